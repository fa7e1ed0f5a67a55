import { useEffect, useRef, useState } from 'react'
import { useQuery, type AnyVariables, type TypedDocumentNode } from 'urql'

/** Streams are closed by servers that restart; this long after one, the next try. */
const AGAIN_MS = 2_000
/** Signals come in bursts, several for one move of a run: one look for all of them. */
const TOGETHER_MS = 150
/** What the server takes in one stream. */
const MOST_TOPICS = 50

export type Topic = `stack:${string}` | `run:${string}` | `queue:${string}`

/**
 * Calls `changed` whenever something happened to one of the topics, and after every gap in the
 * stream, when something may have. Answers whether the stream is up.
 */
export function useSignals(topics: readonly Topic[], changed: () => void): boolean {
  const [up, setUp] = useState(true)
  const call = useRef(changed)
  useEffect(() => {
    call.current = changed
  })
  const wanted = topics.slice(0, MOST_TOPICS).join('\n')

  useEffect(() => {
    if (!wanted) return
    const query = wanted
      .split('\n')
      .map((topic) => `topic=${encodeURIComponent(topic)}`)
      .join('&')
    let source: EventSource | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let again: ReturnType<typeof setTimeout> | undefined
    let missed = false

    const look = () => {
      timer ??= setTimeout(() => {
        timer = undefined
        call.current()
      }, TOGETHER_MS)
    }
    const open = () => {
      source = new EventSource(`/events?${query}`)
      source.addEventListener('open', () => {
        setUp(true)
        if (missed) look()
        missed = false
      })
      source.addEventListener('message', look)
      source.addEventListener('error', () => {
        setUp(false)
        missed = true
        // Browsers try again by themselves after a cut, and never after an answer that is no stream.
        if (source?.readyState === EventSource.CLOSED) again = setTimeout(open, AGAIN_MS)
      })
      source.addEventListener('closed', () => {
        source?.close()
        look()
      })
    }
    open()
    return () => {
      source?.close()
      clearTimeout(timer)
      clearTimeout(again)
    }
  }, [wanted])
  return up
}

/** A query whose answer is asked for again whenever one of its topics moves. */
export function useLiveQuery<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  topics: (data: Data | undefined) => readonly Topic[],
  options: { pause?: boolean } = {},
) {
  const [result, ask] = useQuery<Data, Variables>({
    query,
    variables,
    pause: options.pause ?? false,
  } as Parameters<typeof useQuery<Data, Variables>>[0])
  const live = useSignals(topics(result.data), () => ask({ requestPolicy: 'network-only' }))
  return { ...result, live, again: () => ask({ requestPolicy: 'network-only' }) }
}
