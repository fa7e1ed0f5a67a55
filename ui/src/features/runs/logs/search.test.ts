import { describe, expect, it } from 'vitest'

import { stretches } from '~/lib/ansi'

import { marked, nextHit, Search } from './search'
import { LogText } from './text'

const never = () => false

function logOf(...lines: string[]): LogText {
  const log = new LogText()
  add(log, ...lines)
  return log
}

function add(log: LogText, ...lines: string[]): void {
  log.take(log.offset, new TextEncoder().encode(lines.map((line) => `${line}\n`).join('')), [])
}

function hits(log: LogText, words: string): number[] {
  const search = new Search(log, words)
  search.go(never)
  return search.found
}

describe('looking for words in a log', () => {
  it('finds them whatever their case and colours', () => {
    const log = logOf('all well', '\u001b[31mErr\u001b[0mor: no', 'another ERROR')
    expect(hits(log, 'error')).toEqual([1, 2])
  })

  it('finds nothing for no words', () => {
    expect(hits(logOf('a'), '')).toEqual([])
  })

  it('stops when it has taken long enough, and goes on from there', () => {
    const log = logOf(...Array.from({ length: 1200 }, (_, n) => `line ${n}`))
    const search = new Search(log, 'line 11')
    expect(search.go(() => true)).toBe(false)
    expect(search.found).toHaveLength(11)
    expect(search.go(never)).toBe(true)
    expect(search.found).toHaveLength(111)
  })

  it('looks only at what is new when the log has grown', () => {
    const log = logOf('one', 'two')
    const search = new Search(log, 'o')
    search.go(never)
    add(log, 'more', 'nil')
    expect(search.done).toBe(false)
    search.go(never)
    expect(search.found).toEqual([0, 1, 2])
  })

  it('goes round at the ends', () => {
    expect(nextHit([1, 5, 9], 5, true)).toBe(9)
    expect(nextHit([1, 5, 9], 9, true)).toBe(1)
    expect(nextHit([1, 5, 9], 1, false)).toBe(9)
    expect(nextHit([], 1, true)).toBeUndefined()
  })
})

const brief = (line: string, words: string) =>
  marked(stretches(line).parts, words).map((one) => (one.hit ? `[${one.text}]` : one.text))

describe('marking words in a line', () => {
  it('cuts stretches where the words are', () => {
    expect(brief('an error is an Error', 'error')).toEqual(['an ', '[error]', ' is an ', '[Error]'])
    expect(brief('aaa', 'a')).toEqual(['[a]', '[a]', '[a]'])
  })

  it('marks words that change their colour', () => {
    expect(brief('x\u001b[31mer\u001b[1mror\u001b[0my', 'error')).toEqual(['x', '[er]', '[ror]', 'y'])
  })

  it('leaves a line as it is without words, or without a hit', () => {
    expect(brief('plain', '')).toEqual(['plain'])
    expect(brief('plain', 'x')).toEqual(['plain'])
  })
})
