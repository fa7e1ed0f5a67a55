/**
 * Colours of terminals: a line in, stretches of text with their looks out.
 *
 * Only SGR sequences ("select graphic rendition", ECMA-48) change looks. Every other sequence is
 * left out, as a terminal that scrolls would not show it either. A carriage return starts the line
 * again, which is how progress bars are drawn.
 */

export type Color = { name: number } | { rgb: string }

export interface Look {
  bold?: true
  dim?: true
  italic?: true
  underline?: true
  strike?: true
  inverse?: true
  /** 0–15: the terminal's own colours, which themes may choose; anything else is fixed. */
  color?: Color
  background?: Color
}

export interface Stretch {
  text: string
  look: Look
}

export const PLAIN: Look = Object.freeze({})

// CSI … final, OSC … end, or another two-character escape.
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const SEQUENCE = /\x1b\[([0-9:;<=>?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]?/g
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/g

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const ODD = /[\x00-\x08\x0b-\x1f\x7f]/

/** The line's stretches, and the look that the next line begins with. */
export function stretches(line: string, look: Look = PLAIN): { parts: Stretch[]; look: Look } {
  const shown = afterReturn(line)
  const parts: Stretch[] = []
  let at = 0
  let now = look
  for (const found of shown.matchAll(SEQUENCE)) {
    push(parts, shown.slice(at, found.index), now)
    at = found.index + found[0].length
    if (found[2] === 'm') now = select(now, found[1] ?? '')
  }
  push(parts, shown.slice(at), now)
  return { parts, look: now }
}

/** The look that the next line begins with, without splitting this one. */
export function lookAfter(line: string, look: Look): Look {
  const last = line.lastIndexOf('\x1b')
  if (last < 0) return look
  // Nearly every line that has colours ends them.
  if (line.startsWith('\x1b[0m', last) || line.startsWith('\x1b[m', last)) return PLAIN
  let now = look
  for (const found of line.matchAll(SEQUENCE)) {
    if (found[2] === 'm') now = select(now, found[1] ?? '')
  }
  return now
}

/** The line's text alone. */
export function plain(line: string): string {
  if (!ODD.test(line)) return line
  return afterReturn(line).replace(SEQUENCE, '').replace(CONTROL, '')
}

function push(parts: Stretch[], raw: string, look: Look): void {
  const text = raw.replace(CONTROL, '')
  if (!text) return
  const last = parts.at(-1)
  if (last && last.look === look) last.text += text
  else parts.push({ text, look })
}

function afterReturn(line: string): string {
  const whole = line.endsWith('\r') ? line.slice(0, -1) : line
  const last = whole.lastIndexOf('\r')
  if (last < 0) return whole
  // What stood before is overwritten; the colours that it set are still on.
  const before = whole.slice(0, last).match(SEQUENCE)?.join('') ?? ''
  return before + whole.slice(last + 1)
}

function select(look: Look, parameters: string): Look {
  const all = parameters.split(';')
  let next: Look = look
  for (let i = 0; i < all.length; i += 1) {
    const [code = 0, ...own] = numbers(all[i] ?? '')
    if (code === 38 || code === 48) {
      // A colour's numbers stand behind colons (ISO 8613-6), or are the parameters that follow.
      const [color, used] = own.length > 0 ? [ownColor(own), 0] : extended(all.slice(i + 1).flatMap(numbers))
      i += used
      if (color) next = { ...next, [code === 38 ? 'color' : 'background']: color }
    } else {
      // 4:3 is a wavy line, 4:0 none; other codes have no variants.
      next = simple(next, code === 4 && own[0] === 0 ? 24 : code)
    }
  }
  return Object.keys(next).length === 0 ? PLAIN : next
}

function numbers(text: string): number[] {
  return text.split(':').map((one) => Number(one || 0))
}

/** 5:n, 2:r:g:b, or 2:space:r:g:b. */
function ownColor(own: number[]): Color | undefined {
  return extended(own[0] === 2 && own.length > 4 ? [2, ...own.slice(2)] : own)[0]
}

function simple(look: Look, code: number): Look {
  switch (code) {
    case 0:
      return PLAIN
    case 1:
      return { ...look, bold: true }
    case 2:
      return { ...look, dim: true }
    case 3:
      return { ...look, italic: true }
    case 4:
      return { ...look, underline: true }
    case 7:
      return { ...look, inverse: true }
    case 9:
      return { ...look, strike: true }
    case 22:
      return without(look, 'bold', 'dim')
    case 23:
      return without(look, 'italic')
    case 24:
      return without(look, 'underline')
    case 27:
      return without(look, 'inverse')
    case 29:
      return without(look, 'strike')
    case 39:
      return without(look, 'color')
    case 49:
      return without(look, 'background')
    default:
      return colored(look, code)
  }
}

function colored(look: Look, code: number): Look {
  if (code >= 30 && code <= 37) return { ...look, color: { name: code - 30 } }
  if (code >= 90 && code <= 97) return { ...look, color: { name: code - 90 + 8 } }
  if (code >= 40 && code <= 47) return { ...look, background: { name: code - 40 } }
  if (code >= 100 && code <= 107) return { ...look, background: { name: code - 100 + 8 } }
  return look
}

function without(look: Look, ...names: (keyof Look)[]): Look {
  const rest = { ...look }
  for (const name of names) delete rest[name]
  return rest
}

/** The colour behind 38 or 48, and how many numbers it took. */
function extended(rest: number[]): [Color | undefined, number] {
  if (rest[0] === 5) return [indexed(rest[1] ?? 0), 2]
  if (rest[0] === 2) return [rgb(rest[1] ?? 0, rest[2] ?? 0, rest[3] ?? 0), 4]
  return [undefined, rest.length === 0 ? 0 : 1]
}

function indexed(index: number): Color | undefined {
  if (index < 0 || index > 255) return undefined
  if (index < 16) return { name: index }
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10
    return rgb(grey, grey, grey)
  }
  const cube = index - 16
  return rgb(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6))
}

/** One of the six levels that xterm's colour cube has for each of red, green and blue. */
function level(n: number): number {
  return n === 0 ? 0 : 55 + n * 40
}

function rgb(red: number, green: number, blue: number): Color | undefined {
  const all = [red, green, blue]
  if (all.some((one) => one < 0 || one > 255)) return undefined
  return { rgb: `#${all.map((one) => one.toString(16).padStart(2, '0')).join('')}` }
}
