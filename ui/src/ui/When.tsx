import { createContext, useContext, useEffect, useState, type ReactNode } from 'react'

import { ago, duration, exact } from '~/lib/time'

const Now = createContext(Math.floor(Date.now() / 1000))

/** One clock for the page, in whole seconds: every relative time moves at once. */
export function Clock({ children }: { children: ReactNode }) {
  const [now, setNow] = useState(() => Math.floor(Date.now() / 1000))
  useEffect(() => {
    const timer = setInterval(() => setNow(Math.floor(Date.now() / 1000)), 1000)
    return () => clearInterval(timer)
  }, [])
  return <Now value={now}>{children}</Now>
}

export function useNow(): number {
  return useContext(Now)
}

/** A time as people say it; the exact one, in the viewer's zone, on hover. */
export function When({ at }: { at: number | null | undefined }) {
  const now = useNow()
  if (at == null) return null
  return (
    <time className="when" dateTime={new Date(at * 1000).toISOString()} title={exact(at)}>
      {ago(at, now)}
    </time>
  )
}

/** How long something took, or has been taking. */
export function Took({ from, until }: { from: number; until?: number | null | undefined }) {
  const now = useNow()
  return <span className="when" title={`since ${exact(from)}`}>{duration((until ?? now) - from)}</span>
}
