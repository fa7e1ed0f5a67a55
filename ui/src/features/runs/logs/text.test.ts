import { describe, expect, it } from 'vitest'

import { LogText, type Arrival } from './text'

const bytes = (text: string) => new TextEncoder().encode(text)
const since = (time: number): Arrival[] => [[0, time]]
const linesOf = (log: LogText) => Array.from({ length: log.length }, (_, n) => log.line(n))

describe('the text of a log', () => {
  it('is empty at first', () => {
    expect(linesOf(new LogText())).toEqual([])
  })

  it('splits lines, however the pieces are cut', () => {
    const log = new LogText()
    log.take(0, bytes('one\ntw'), since(10))
    log.take(6, bytes('o\n\nthree'), since(20))

    expect(linesOf(log)).toEqual(['one', 'two', '', 'three'])
    expect([0, 1, 2, 3].map((n) => log.time(n))).toEqual([10, 10, 20, 20])
  })

  it('puts a character together that was cut in two', () => {
    const log = new LogText()
    const whole = bytes('naïve 🚀\n')
    for (let at = 0; at < whole.length; at += 1) log.take(at, whole.subarray(at, at + 1), [[at, at]])

    expect(linesOf(log)).toEqual(['naïve 🚀'])
  })

  it('does not repeat what comes again', () => {
    const log = new LogText()
    log.take(0, bytes('one\ntwo\n'), since(1))
    expect(log.take(4, bytes('two\nthree\n'), since(2))).toBe(true)
    expect(log.take(0, bytes('one\n'), since(3))).toBe(true)

    expect(linesOf(log)).toEqual(['one', 'two', 'three'])
    expect(log.offset).toBe(14)
  })

  it('refuses what would leave a hole, and stays as it was', () => {
    const log = new LogText()
    log.take(0, bytes('one\n'), since(1))

    expect(log.take(9, bytes('three\n'), since(2))).toBe(false)
    expect(linesOf(log)).toEqual(['one'])
    expect(log.offset).toBe(4)
  })

  it('shows half a character at the very end as broken', () => {
    const log = new LogText()
    log.take(0, bytes('ok 🚀').subarray(0, 5), since(1))
    log.close()

    expect(linesOf(log)).toEqual(['ok \ufffd'])
  })

  it('gives everything back', () => {
    const log = new LogText()
    log.take(0, bytes('one\r\ntwo'), since(1))
    expect(log.all()).toBe('one\r\ntwo')
  })

  it('has the same lines, looks and times, however a connection cuts and repeats it', () => {
    const lines = Array.from(
      { length: 400 },
      (_, n) => `${n} \u001b[3${n % 8}m✓ grün 🚀${n % 3 === 0 ? '\u001b[0m' : ''}${'x'.repeat(n % 50)}`,
    )
    const whole = bytes(lines.join('\n'))
    const arrivals: Arrival[] = []
    for (let offset = 0; offset < whole.length; offset += 97) arrivals.push([offset, offset + 1])
    const expected = new LogText()
    expected.take(0, whole, arrivals)
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    const log = new LogText()
    while (log.offset < whole.length) {
      // A server that is asked again may begin anywhere that the reader names, or before it.
      const start = Math.max(0, log.offset - random(30))
      const piece = whole.subarray(start, start + 1 + random(60))
      const first = arrivals.findLast(([offset]) => offset <= start)?.[1] ?? 0
      const later = arrivals.filter(([offset]) => offset > start && offset < start + piece.length)
      expect(log.take(start, piece, [[start, first], ...later])).toBe(true)
    }

    expect(log.length).toBe(lines.length)
    for (const [n, line] of lines.entries()) {
      expect(log.line(n)).toBe(line)
      expect(log.size(n)).toBe(line.length)
      expect(log.lookAt(n)).toEqual(expected.lookAt(n))
      expect(log.time(n)).toBe(expected.time(n))
    }
    expect(log.all()).toBe(lines.join('\n'))
  })

  it('finds lines on both sides of every piece of its index', () => {
    const log = new LogText()
    const lines = Array.from({ length: 5_000 }, (_, n) => `${n}:${'y'.repeat(n % 90)}`)
    for (let n = 0; n < lines.length; n += 250) {
      log.take(log.offset, bytes(lines.slice(n, n + 250).map((line) => `${line}\n`).join('')), since(n))
    }
    for (const [n, line] of lines.entries()) expect(log.line(n)).toBe(line)
    expect([...log.lines(4_998, 9_999)]).toEqual(lines.slice(4_998))
    expect(log.widest).toBe(94)
  })

  it('takes a line of a megabyte, and the one after it', () => {
    const log = new LogText()
    const long = 'z'.repeat(1_000_000)
    const whole = bytes(`${long}\nnext\n`)
    for (let from = 0; from < whole.length; from += 65_536) {
      log.take(from, whole.subarray(from, from + 65_536), [[from, 1]])
    }
    expect(log.line(0)).toBe(long)
    expect(log.line(1)).toBe('next')
    expect(log.widest).toBe(4)
  })

  it('knows the colour that a line begins with', () => {
    const log = new LogText()
    log.take(0, bytes('\u001b[32m\nSuccess\u001b[0m\nplain\n\u001b[1mbold'), since(1))
    log.take(log.offset, bytes(' goes on\nstill'), since(2))
    expect([0, 1, 2, 3, 4].map((n) => log.lookAt(n))).toEqual([
      {},
      { color: { name: 2 } },
      {},
      {},
      { bold: true },
    ])
  })
})
