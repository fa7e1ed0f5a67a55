import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

/** A stream as the browser gives it; the test is the server. */
class Source extends EventTarget {
  static readonly CLOSED = 2
  static all: Source[] = []
  readyState = 0
  constructor(readonly address: string) {
    super()
    Source.all.push(this)
  }
  get topics() {
    return new URL(this.address, 'http://here').searchParams.getAll('topic')
  }
  opens() {
    this.readyState = 1
    this.dispatchEvent(new Event('open'))
  }
  says(topic: string, type = 'message') {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify({ topic }) }))
  }
  breaks(forGood: boolean) {
    this.readyState = forGood ? 2 : 0
    this.dispatchEvent(new Event('error'))
  }
  close() {
    this.readyState = 2
  }
}

const aPage = () => Object.assign(new EventTarget(), { hidden: false })
let page = aPage()
const newest = () => Source.all.at(-1) ?? expect.fail('no stream was opened')
const open = () => Source.all.filter((one) => one.readyState !== Source.CLOSED)

let stream: typeof import('./stream')

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  vi.stubGlobal('EventSource', Source)
  page = aPage()
  vi.stubGlobal('document', page)
  Source.all = []
  stream = await import('./stream')
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('one stream for a page', () => {
  it('follows what all of the page asks for, and the session', () => {
    stream.follow(['stack:a'], vi.fn<() => void>())
    stream.follow(['run:b'], vi.fn<() => void>())
    vi.advanceTimersByTime(100)

    expect(open()).toHaveLength(1)
    expect(newest().topics.toSorted()).toEqual(['run:b', 'session', 'stack:a'])
  })

  it('keeps the old stream until the wider one is there', () => {
    stream.follow(['stack:a'], vi.fn<() => void>())
    vi.advanceTimersByTime(100)
    newest().opens()

    stream.follow(['run:b'], vi.fn<() => void>())
    vi.advanceTimersByTime(100)
    expect(open()).toHaveLength(2)
    newest().opens()

    expect(open()).toHaveLength(1)
    expect(newest().topics).toContain('stack:a')
  })

  it('tells those whom it concerns, once for a burst, and all when anything may have happened', () => {
    const [a, b] = [vi.fn<() => void>(), vi.fn<() => void>()]
    stream.follow(['stack:a'], a)
    stream.follow(['stack:b'], b)
    vi.advanceTimersByTime(100)
    newest().opens()
    vi.advanceTimersByTime(200)
    a.mockClear()
    b.mockClear()

    newest().says('stack:a')
    newest().says('stack:a')
    vi.advanceTimersByTime(200)
    expect([a.mock.calls.length, b.mock.calls.length]).toEqual([1, 0])

    newest().says('stack:b', 'gone')
    newest().says('')
    vi.advanceTimersByTime(200)
    expect([a.mock.calls.length, b.mock.calls.length]).toEqual([2, 1])
  })

  it('says that it is cut, asks after the session, and asks for everything when it is back', () => {
    const [session, gap] = [vi.fn<() => void>(), vi.fn<() => void>()]
    stream.onGap(gap)
    stream.follow(['session'], session)
    vi.advanceTimersByTime(100)
    newest().opens()
    vi.advanceTimersByTime(200)
    session.mockClear()

    newest().breaks(true)
    vi.advanceTimersByTime(200)
    expect(stream.link.up()).toBe(false)
    expect(session).toHaveBeenCalledTimes(1)

    vi.advanceTimersByTime(3_000)
    newest().opens()
    expect(stream.link.up()).toBe(true)
    expect(gap).toHaveBeenCalledTimes(1)
  })

  it('follows nothing while nobody is signed in', () => {
    stream.follow(['stack:a'], vi.fn<() => void>())
    vi.advanceTimersByTime(100)
    newest().opens()

    stream.pause(true)
    stream.follow(['stack:b'], vi.fn<() => void>())
    vi.advanceTimersByTime(10_000)
    expect(open()).toHaveLength(0)

    stream.pause(false)
    expect(newest().topics).toContain('stack:b')
  })

  it('leaves its connection to others while nobody looks', () => {
    stream.follow(['stack:a'], vi.fn<() => void>())
    vi.advanceTimersByTime(100)
    newest().opens()

    page.hidden = true
    page.dispatchEvent(new Event('visibilitychange'))
    vi.advanceTimersByTime(60_000)
    expect(open()).toHaveLength(0)

    page.hidden = false
    page.dispatchEvent(new Event('visibilitychange'))
    expect(open()).toHaveLength(1)
  })
})
