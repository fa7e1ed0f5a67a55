import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { follow, type LogState, type Source } from './stream'
import { LogText } from './text'

const WHOLE = new TextEncoder().encode(
  Array.from({ length: 300 }, (_, n) => `${n} \u001b[32m✓ grün 🚀\u001b[0m\n`).join(''),
)

/** A server's end of a stream, cut wherever the test wants. */
class Stream implements Source {
  readyState = 0
  place: number
  private readonly listeners = new Map<string, (event: MessageEvent<string>) => void>()

  constructor(offset: number) {
    this.place = offset
  }

  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.listeners.set(type, listener)
  }

  close(): void {
    this.readyState = 2
  }

  say(type: string, data = '{}', lastEventId = ''): void {
    this.listeners.get(type)?.({ data, lastEventId } as MessageEvent<string>)
  }

  send(bytes: number): void {
    const piece = WHOLE.subarray(this.place, this.place + bytes)
    this.place += piece.length
    const b = btoa(String.fromCharCode(...piece))
    this.say('message', JSON.stringify({ b, at: [[this.place, 1]], size: WHOLE.length }), `${this.place}`)
  }

  refuse(): void {
    this.readyState = 2
    this.say('error')
  }
}

function given() {
  const streams: Stream[] = []
  const text = new LogText()
  const states: LogState[] = []
  let size = 0
  const leave = follow(
    text,
    (offset) => {
      const stream = new Stream(offset)
      streams.push(stream)
      return stream
    },
    { state: (one) => states.push(one), more: (now) => (size = now) },
  )
  const newest = () => {
    const stream = streams.at(-1)
    if (!stream) throw new Error('nothing was opened')
    return stream
  }
  return { text, states, streams, newest, leave, size: () => size }
}

describe('following a log', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('takes it as it comes until it is over', () => {
    const log = given()
    log.newest().say('open')
    log.newest().send(100)
    expect(log.size()).toBe(WHOLE.length)
    log.newest().send(WHOLE.length)
    log.newest().say('end')

    expect(log.text.all()).toBe(new TextDecoder().decode(WHOLE))
    expect(log.states).toEqual(['live', 'over'])
    expect(log.newest().readyState).toBe(2)
  })

  it('has every byte once, though streams are cut and refused anywhere', () => {
    const log = given()
    for (let cut = 1; log.text.offset < WHOLE.length; cut += 1) {
      log.newest().say('open')
      for (let n = 0; n < cut % 5; n += 1) log.newest().send(1 + (cut % 41))
      if (log.text.offset >= WHOLE.length) break
      log.newest().refuse()
      vi.advanceTimersByTime(5_000)
    }
    log.newest().say('end')

    expect(log.streams.length).toBeGreaterThan(100)
    expect(log.text.all()).toBe(new TextDecoder().decode(WHOLE))
    expect(log.text.length).toBe(300)
  })

  it('goes on where it is when the browser opens the stream again by itself', () => {
    const log = given()
    log.newest().send(50)
    log.newest().say('error')
    expect(log.states.at(-1)).toBe('cut')
    vi.advanceTimersByTime(60_000)
    expect(log.streams).toHaveLength(1)
    log.newest().place = 20
    log.newest().say('open')
    log.newest().send(60)

    expect(log.text.offset).toBe(80)
    expect(log.states.at(-1)).toBe('live')
  })

  it('asks again from where it is when bytes are missing', () => {
    const log = given()
    log.newest().send(50)
    log.newest().place = 70
    log.newest().send(10)
    vi.advanceTimersByTime(1)

    expect(log.streams).toHaveLength(2)
    expect(log.newest().place).toBe(50)
    log.streams[0]?.send(10)
    expect(log.text.offset).toBe(50)
  })

  it('says when the log was deleted, or may not be seen any more', () => {
    for (const [event, state] of [
      ['expired', 'expired'],
      ['closed', 'missing'],
    ] as const) {
      const log = given()
      log.newest().say(event)
      expect(log.states).toEqual([state])
    }
  })

  it('hears nothing more after it has left', () => {
    const log = given()
    const stream = log.newest()
    log.leave()
    stream.send(10)
    stream.refuse()
    vi.advanceTimersByTime(60_000)

    expect(log.text.offset).toBe(0)
    expect(log.streams).toHaveLength(1)
  })
})
