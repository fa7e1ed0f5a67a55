import { useEffect, useState } from 'react'

import { follow, type LogState } from './stream'
import { LogText } from './text'

/** Lines that come within this time are shown together. */
const TOGETHER_MS = 100

export type { LogState }

export interface Followed {
  text: LogText
  state: LogState
  /** How many bytes are there by now, as far as is known. */
  size: number
  /** Changes whenever there is more to show. */
  revision: number
}

/**
 * The log of one state of a run, from its first byte on, followed until it is over. One component
 * follows one log: give it a key.
 */
export function useLog(run: string, version: number): Followed {
  const [text] = useState(() => new LogText())
  const [state, setState] = useState<LogState>('connecting')
  const [{ revision, size }, setNow] = useState({ revision: 0, size: 0 })

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let known = 0
    const leave = follow(
      text,
      (offset) => new EventSource(`/logs/${encodeURIComponent(run)}/${version}?offset=${offset}`),
      {
        state: setState,
        more: (bytes) => {
          known = bytes
          timer ??= setTimeout(() => {
            timer = undefined
            setNow((now) => ({ revision: now.revision + 1, size: known }))
          }, TOGETHER_MS)
        },
      },
    )
    return () => {
      leave()
      clearTimeout(timer)
    }
  }, [run, version, text])

  return { text, state, size, revision }
}
