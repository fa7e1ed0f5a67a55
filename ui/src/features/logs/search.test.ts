import { describe, expect, it } from 'vitest'

import { hits, nextHit } from './search'
import { LogText } from './text'

function logOf(...lines: string[]): LogText {
  const log = new LogText()
  log.take(0, new TextEncoder().encode(lines.map((line) => `${line}\n`).join('')), 1)
  return log
}

describe('looking for words in a log', () => {
  it('finds them whatever their case and colours', () => {
    const log = logOf('all well', '\u001b[31mErr\u001b[0mor: no', 'another ERROR')
    expect(hits(log, 'error')).toEqual([1, 2])
  })

  it('finds nothing for no words', () => {
    expect(hits(logOf('a'), '')).toEqual([])
  })

  it('goes round at the ends', () => {
    expect(nextHit([1, 5, 9], 5, true)).toBe(9)
    expect(nextHit([1, 5, 9], 9, true)).toBe(1)
    expect(nextHit([1, 5, 9], 1, false)).toBe(9)
    expect(nextHit([], 1, true)).toBeUndefined()
  })
})
