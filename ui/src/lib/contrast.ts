/** Colours that somebody else chose, made readable on a page that they did not know. */

/** What the Web Content Accessibility Guidelines ask of text (1.4.3). */
const ENOUGH = 4.5

type Rgb = readonly [red: number, green: number, blue: number]

const known = new Map<string, string>()

/** The colour itself if it can be read on the page; else the nearest mix with black or white. */
export function readable(color: string, page: string): string {
  const key = color + page
  const before = known.get(key)
  if (before !== undefined) return before
  const found = made(rgbOf(color), rgbOf(page))
  // Gradients make a colour for each letter; what is not kept is made again.
  if (known.size > 4_096) known.clear()
  known.set(key, found)
  return found
}

/** How much two colours differ, from 1 to 21. */
export function contrast(one: string, other: string): number {
  return between(rgbOf(one), rgbOf(other))
}

function made(color: Rgb, page: Rgb): string {
  const end: Rgb = luminance(page) > 0.18 ? [0, 0, 0] : [255, 255, 255]
  for (let share = 0; share < 1; share += 0.05) {
    const mix: Rgb = [at(color, end, 0, share), at(color, end, 1, share), at(color, end, 2, share)]
    if (between(mix, page) >= ENOUGH) return hex(mix)
  }
  return hex(end)
}

function at(color: Rgb, end: Rgb, part: 0 | 1 | 2, share: number): number {
  return Math.round(color[part] + (end[part] - color[part]) * share)
}

function between(one: Rgb, other: Rgb): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminance([red, green, blue]: Rgb): number {
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

function linear(value: number): number {
  const share = value / 255
  return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
}

function rgbOf(color: string): Rgb {
  const number = Number.parseInt(color.slice(1), 16)
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255]
}

function hex(color: Rgb): string {
  return `#${color.map((one) => one.toString(16).padStart(2, '0')).join('')}`
}
