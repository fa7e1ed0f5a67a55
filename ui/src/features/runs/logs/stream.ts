import type { Arrival, LogText } from './text'

/** Servers that restart cut streams; this long afterwards, the next try. */
const AGAIN_MS = 1_500

export type LogState = 'connecting' | 'live' | 'cut' | 'over' | 'expired' | 'missing'

/** What there is of an EventSource. */
export interface Source {
  readonly readyState: number
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void
  close(): void
}

const CLOSED = 2 // EventSource.CLOSED, which does not exist where tests run

interface Told {
  state: (state: LogState) => void
  /** There is more text; `size` bytes are known to be there by now. */
  more: (size: number) => void
}

/**
 * Follows a log into a text until it is over. A stream that is cut goes on from the byte that the
 * text has come to, whoever opens it again. Answers how to leave.
 */
export function follow(text: LogText, open: (offset: number) => Source, told: Told): () => void {
  let source: Source | undefined
  let again: ReturnType<typeof setTimeout> | undefined

  const end = (how: LogState) => {
    source?.close()
    text.close()
    told.state(how)
    told.more(text.offset)
  }
  const reopen = (after: number) => {
    source?.close()
    clearTimeout(again)
    again = setTimeout(begin, after)
  }
  function begin() {
    const mine = open(text.offset)
    source = mine
    const hear = (type: string, heard: (event: MessageEvent<string>) => void) =>
      mine.addEventListener(type, (event) => {
        // What an earlier stream still had on its way has been asked for again.
        if (source === mine) heard(event)
      })
    hear('open', () => told.state('live'))
    hear('message', (event) => {
      const piece = JSON.parse(event.data) as { b: string; at?: Arrival[]; size?: number }
      const bytes = bytesOf(piece.b)
      if (text.take(Number(event.lastEventId) - bytes.length, bytes, piece.at ?? [])) {
        told.more(Math.max(piece.size ?? 0, text.offset))
      } else reopen(0)
    })
    hear('end', () => end('over'))
    hear('expired', () => end('expired'))
    hear('closed', () => end('missing'))
    hear('error', () => {
      told.state('cut')
      // Browsers go on by themselves after a cut, but not after an answer that is no stream.
      if (mine.readyState === CLOSED) reopen(AGAIN_MS)
    })
  }
  begin()
  return () => {
    source?.close()
    source = undefined
    clearTimeout(again)
  }
}

function bytesOf(base64: string): Uint8Array {
  const letters = atob(base64)
  const bytes = new Uint8Array(letters.length)
  for (let n = 0; n < letters.length; n += 1) bytes[n] = letters.charCodeAt(n)
  return bytes
}
