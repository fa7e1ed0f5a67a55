import { createContext, useContext, useEffect, useSyncExternalStore } from 'react'

import { graphql, type ResultOf } from './gql'
import { pause } from './stream'

/** Who is signed in, and where. Asked for before anything else is shown. */
export const SessionQuery = graphql(`
  query Session {
    viewer {
      id
      login
      name
      type
      validUntil
    }
    name
    accountIsNamed
    debugInfo {
      selfHostedVersion
    }
  }
`)

export type Session = ResultOf<typeof SessionQuery> & {
  viewer: NonNullable<ResultOf<typeof SessionQuery>['viewer']>
}

const Current = createContext<Session | undefined>(undefined)
export const SessionProvider = Current.Provider

/** The session; only within pages that are shown to those who are signed in. */
export function useSession(): Session {
  const session = useContext(Current)
  if (!session) throw new Error('no session here: the page is outside of the shell')
  return session
}

let ended = false
const watchers = new Set<() => void>()

/** Notes whether the session has ended: nothing is followed until it goes on. */
export function noteEnded(now: boolean): void {
  if (ended === now) return
  ended = now
  pause(now)
  for (const watch of watchers) watch()
}

/** Whether the session has ended under a page that is still open. */
export function useEnded(): boolean {
  return useSyncExternalStore(
    (watch) => {
      watchers.add(watch)
      return () => void watchers.delete(watch)
    },
    () => ended,
  )
}

const CHANNEL = 'gantry.session'

/** Tells the other tabs that somebody has signed in or out here. */
export function tellOtherTabs(): void {
  const tabs = new BroadcastChannel(CHANNEL)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is no window
  tabs.postMessage('look')
  tabs.close()
}

/** Calls `look` when another tab has signed in or out, and when the session's time is up. */
export function useSessionMoves(validUntil: number | null | undefined, look: () => void): void {
  useEffect(() => {
    const tabs = new BroadcastChannel(CHANNEL)
    tabs.addEventListener('message', look)
    // A second later than the server's clock says; no timer is longer than 2³¹ milliseconds.
    const left = validUntil ? Math.min(Math.max(0, validUntil * 1000 - Date.now()) + 1000, 2 ** 31 - 1) : undefined
    const timer = left === undefined ? undefined : setTimeout(look, left)
    return () => {
      tabs.close()
      clearTimeout(timer)
    }
  }, [validUntil, look])
}
