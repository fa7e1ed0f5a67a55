import { describe, expect, it } from 'vitest'

import { LogText } from './text'

const bytes = (text: string) => new TextEncoder().encode(text)
const lines = (log: LogText) => Array.from({ length: log.length }, (_, n) => log.line(n))

describe('the text of a log', () => {
  it('is empty at first', () => {
    expect(lines(new LogText())).toEqual([])
  })

  it('splits lines, however the pieces are cut', () => {
    const log = new LogText()
    log.take(0, bytes('one\ntw'), 10)
    log.take(6, bytes('o\n\nthree'), 20)

    expect(lines(log)).toEqual(['one', 'two', '', 'three'])
    expect([0, 1, 2, 3].map((n) => log.time(n))).toEqual([10, 10, 20, 20])
  })

  it('puts a character together that was cut in two', () => {
    const log = new LogText()
    const whole = bytes('naïve 🚀\n')
    for (let at = 0; at < whole.length; at += 1) log.take(at, whole.subarray(at, at + 1), at)

    expect(lines(log)).toEqual(['naïve 🚀'])
  })

  it('does not repeat what comes again', () => {
    const log = new LogText()
    log.take(0, bytes('one\ntwo\n'), 1)
    expect(log.take(4, bytes('two\nthree\n'), 2)).toBe(true)
    expect(log.take(0, bytes('one\n'), 3)).toBe(true)

    expect(lines(log)).toEqual(['one', 'two', 'three'])
    expect(log.offset).toBe(14)
  })

  it('refuses what would leave a hole, and stays as it was', () => {
    const log = new LogText()
    log.take(0, bytes('one\n'), 1)

    expect(log.take(9, bytes('three\n'), 2)).toBe(false)
    expect(lines(log)).toEqual(['one'])
    expect(log.offset).toBe(4)
  })

  it('shows half a character at the very end as broken', () => {
    const log = new LogText()
    log.take(0, bytes('ok 🚀').subarray(0, 5), 1)
    log.close()

    expect(lines(log)).toEqual(['ok \ufffd'])
  })

  it('gives everything back', () => {
    const log = new LogText()
    log.take(0, bytes('one\r\ntwo'), 1)
    expect(log.all()).toBe('one\r\ntwo')
  })
})
