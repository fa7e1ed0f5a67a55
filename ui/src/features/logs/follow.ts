import { useEffect, useState } from 'react'

import { LogText } from './text'

/** Servers that restart cut streams; this long afterwards, the next try. */
const AGAIN_MS = 1_500
/** Lines that come within one frame are shown together. */
const FRAME_MS = 100

export type LogState = 'connecting' | 'live' | 'cut' | 'over' | 'expired' | 'missing'

export interface Followed {
  text: LogText
  state: LogState
  /** Changes whenever there is more to show. */
  revision: number
}

/**
 * The log of one state of a run, from its first byte on, followed until it is over. A stream that
 * is cut goes on from the byte it had come to. One component follows one log: give it a key.
 */
export function useLog(run: string, version: number): Followed {
  const [text] = useState(() => new LogText())
  const [state, setState] = useState<LogState>('connecting')
  const [revision, setRevision] = useState(0)

  useEffect(() => {
    let source: EventSource | undefined
    let again: ReturnType<typeof setTimeout> | undefined
    let frame: ReturnType<typeof setTimeout> | undefined

    const shown = () => {
      frame ??= setTimeout(() => {
        frame = undefined
        setRevision((n) => n + 1)
      }, FRAME_MS)
    }
    const end = (how: LogState) => {
      source?.close()
      text.close()
      setState(how)
      shown()
    }
    const reopen = (after: number) => {
      source?.close()
      clearTimeout(again)
      again = setTimeout(open, after)
    }
    function open() {
      source = new EventSource(`/logs/${encodeURIComponent(run)}/${version}?offset=${text.offset}`)
      source.addEventListener('open', () => setState('live'))
      source.addEventListener('message', (event: MessageEvent<string>) => {
        const piece = JSON.parse(event.data) as { b: string; t: number }
        const bytes = Uint8Array.from(atob(piece.b), (letter) => letter.charCodeAt(0))
        const start = Number(event.lastEventId) - bytes.length
        if (!text.take(start, bytes, piece.t)) reopen(0)
        else shown()
      })
      source.addEventListener('end', () => end('over'))
      source.addEventListener('expired', () => end('expired'))
      source.addEventListener('closed', () => end('missing'))
      source.addEventListener('error', () => {
        setState('cut')
        // Browsers go on by themselves after a cut, but not after an answer that is no stream.
        if (source?.readyState === EventSource.CLOSED) reopen(AGAIN_MS)
      })
    }
    open()
    return () => {
      source?.close()
      clearTimeout(again)
      clearTimeout(frame)
    }
  }, [run, version, text])

  return { text, state, revision }
}
