/**
 * One stream of signals for everything on a page: a browser gives a server six connections over
 * plain HTTP, and tabs share them.
 */

export type Topic =
  | `stack:${string}`
  | `run:${string}`
  | `queue:${string}`
  | `webhook:${string}`
  | 'session'
  | 'activity'
  | 'notifications'
  | 'account'
  | 'audit'
  | 'sessions'
  | 'mine'

/** Streams are closed by servers that restart; this long after one, the next try. */
const AGAIN_MS = 2_000
/** Signals come in bursts, several for one move of a run: one look for all of them. */
const TOGETHER_MS = 150
/** A page asks for its topics one after the other while it is built. */
const SETTLE_MS = 60
/** What the server takes in one stream. */
const MOST_TOPICS = 100
/** A tab that nobody looks at leaves its connection to others. */
const HIDDEN_MS = 20_000

interface Follower {
  topics: readonly Topic[]
  changed: () => void
}

const followers = new Set<Follower>()
const watchers = new Set<() => void>()
const gaps = new Set<() => void>()
const due = new Set<Follower>()

let source: EventSource | undefined
let followed: ReadonlySet<string> = new Set()
let up = true
/** Something may have happened that nobody told us of. */
let missed = false
let paused = false
let burst: ReturnType<typeof setTimeout> | undefined
let settling: ReturnType<typeof setTimeout> | undefined
let again: ReturnType<typeof setTimeout> | undefined

/** Calls `changed` when something happened to a topic, or may have. Answers how to end it. */
export function follow(topics: readonly Topic[], changed: () => void): () => void {
  const one = { topics, changed }
  followers.add(one)
  watchHiding()
  settle()
  return () => {
    followers.delete(one)
    due.delete(one)
  }
}

/** Whether signals come in: for `useSyncExternalStore`. */
export const link = {
  subscribe(watch: () => void): () => void {
    watchers.add(watch)
    return () => void watchers.delete(watch)
  },
  up: () => up,
}

/** Calls `gap` whenever signals come in again that did not for a while. */
export function onGap(gap: () => void): void {
  gaps.add(gap)
}

/** Nobody may follow anything now: the session has ended. Or it goes on. */
export function pause(now: boolean): void {
  if (paused === now) return
  paused = now
  if (paused) close()
  else open()
}

function say(now: boolean): void {
  if (up === now) return
  up = now
  for (const watch of watchers) watch()
}

function look(whom: Iterable<Follower>): void {
  for (const one of whom) due.add(one)
  burst ??= setTimeout(() => {
    burst = undefined
    const all = [...due]
    due.clear()
    for (const one of all) one.changed()
  }, TOGETHER_MS)
}

function about(topic: string): Follower[] {
  return [...followers].filter((one) => (one.topics as readonly string[]).includes(topic))
}

function settle(): void {
  settling ??= setTimeout(() => {
    settling = undefined
    const wanted = [...followers].flatMap((one) => one.topics)
    if (wanted.some((topic) => !followed.has(topic))) open()
  }, SETTLE_MS)
}

function close(): void {
  clearTimeout(again)
  source?.close()
  source = undefined
  followed = new Set()
  missed = true
}

function open(): void {
  clearTimeout(again)
  // The newest page's first: what is left out is what has been there for long.
  const wanted = new Set(['session', ...[...followers].toReversed().flatMap((one) => one.topics)])
  if (paused || followers.size === 0) return
  const before = { source, followed }
  followed = new Set([...wanted].slice(0, MOST_TOPICS))
  const query = [...followed].map((topic) => `topic=${encodeURIComponent(topic)}`).join('&')
  const own = new EventSource(`/events?${query}`)
  source = own
  own.addEventListener('open', () => {
    before.source?.close()
    say(true)
    if (missed) for (const gap of gaps) gap()
    // Between a page's question and the stream, something may have happened as well.
    look(missed ? followers : [...followers].filter((one) => one.topics.some((t) => !before.followed.has(t))))
    before.followed = followed
    missed = false
  })
  own.addEventListener('message', (event: MessageEvent<string>) => {
    const { topic } = JSON.parse(event.data) as { topic: string }
    look(topic ? about(topic) : followers)
  })
  own.addEventListener('gone', (event: MessageEvent<string>) => {
    look(about((JSON.parse(event.data) as { topic: string }).topic))
  })
  own.addEventListener('closed', () => failed(own))
  own.addEventListener('error', () => {
    before.source?.close()
    if (source !== own) return
    say(false)
    missed = true
    look(about('session'))
    // Browsers try again by themselves after a cut, and never after an answer that is no stream.
    if (own.readyState === EventSource.CLOSED) failed(own)
  })
}

/** The server gives no stream: whoever looks after the session finds out whether that is why. */
function failed(own: EventSource): void {
  own.close()
  if (source !== own) return
  close()
  look(about('session'))
  again = setTimeout(open, AGAIN_MS)
}

let hiding: ReturnType<typeof setTimeout> | undefined
let watching = false

/** From the first follower on: what only knows of streams needs no document. */
function watchHiding(): void {
  if (watching) return
  watching = true
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiding)
    if (document.hidden) hiding = setTimeout(close, HIDDEN_MS)
    else if (!source) open()
  })
}
