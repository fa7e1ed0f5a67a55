import { plain, type Look, type Stretch } from '~/lib/ansi'

import type { LogText } from './text'

/** Hits beyond this many are not counted: nobody walks through them one by one. */
export const MOST_HITS = 10_000

/** Lines between two looks at the clock. */
const LINES_AT_ONCE = 500

/**
 * Looks for words in a log that grows, a little at a time: neither a long log nor a live one makes
 * the page wait. What has been looked at is not looked at again.
 */
export class Search {
  /** The indexes of the lines that hold the words, whatever their case and colours. */
  readonly found: number[] = []
  private next = 0
  private readonly wanted: string

  constructor(
    private readonly text: LogText,
    readonly words: string,
  ) {
    this.wanted = words.toLowerCase()
  }

  /** Whether every complete line has been looked at. */
  get done(): boolean {
    return !this.wanted || this.next >= this.text.complete || this.found.length >= MOST_HITS
  }

  /** Goes on until `enough` says so; whether all is done. */
  go(enough: () => boolean): boolean {
    while (!this.done) {
      const until = Math.min(this.next + LINES_AT_ONCE, this.text.complete)
      for (; this.next < until && this.found.length < MOST_HITS; this.next += 1) {
        if (plain(this.text.line(this.next)).toLowerCase().includes(this.wanted)) {
          this.found.push(this.next)
        }
      }
      if (enough()) break
    }
    return this.done
  }
}

/** The hit after, or before, a line; the other end's when there is none further on. */
export function nextHit(found: readonly number[], from: number, forward: boolean): number | undefined {
  if (forward) return found.find((line) => line > from) ?? found[0]
  return found.findLast((line) => line < from) ?? found.at(-1)
}

export interface Shown {
  text: string
  look: Look
  hit: boolean
}

/** A line's stretches, cut where the words begin and end. */
export function marked(parts: readonly Stretch[], words: string): Shown[] {
  const wanted = words.toLowerCase()
  const line = parts.map((part) => part.text).join('').toLowerCase()
  const shown: Shown[] = []
  let place = 0
  let hit = wanted ? line.indexOf(wanted) : -1
  for (const { text, look } of parts) {
    let from = 0
    while (from < text.length) {
      while (hit >= 0 && place + from >= hit + wanted.length) hit = line.indexOf(wanted, hit + wanted.length)
      const inside = hit >= 0 && place + from >= hit
      const edge = hit < 0 ? Infinity : inside ? hit + wanted.length : hit
      const until = Math.min(text.length, edge - place)
      shown.push({ text: text.slice(from, until), look, hit: inside })
      from = until
    }
    place += text.length
  }
  return shown
}
