import { plain } from '~/lib/ansi'

import type { LogText } from './text'

/** Hits beyond this many are not counted: nobody walks through them one by one. */
export const MOST_HITS = 10_000

/** The indexes of the lines that hold the words, whatever their case. */
export function hits(log: LogText, words: string): number[] {
  const wanted = words.toLowerCase()
  if (!wanted) return []
  const found: number[] = []
  for (let index = 0; index < log.length && found.length < MOST_HITS; index += 1) {
    if (plain(log.line(index)).toLowerCase().includes(wanted)) found.push(index)
  }
  return found
}

/** The hit after, or before, a line; the other end's when there is none further on. */
export function nextHit(found: readonly number[], from: number, forward: boolean): number | undefined {
  if (forward) return found.find((line) => line > from) ?? found[0]
  return found.findLast((line) => line < from) ?? found.at(-1)
}
