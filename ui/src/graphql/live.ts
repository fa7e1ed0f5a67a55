import { useEffect, useRef, useSyncExternalStore } from 'react'
import { useQuery, type AnyVariables, type TypedDocumentNode } from 'urql'

import { follow, link, type Topic } from './stream'

export type { Topic } from './stream'

/**
 * Calls `changed` whenever something happened to one of the topics, and after every gap in the
 * stream, when something may have. Answers whether the stream is up.
 */
export function useSignals(topics: readonly Topic[], changed: () => void): boolean {
  const up = useSyncExternalStore(link.subscribe, link.up)
  const call = useRef(changed)
  useEffect(() => {
    call.current = changed
  })
  const wanted = topics.join('\n')
  useEffect(() => {
    if (!wanted) return undefined
    return follow(wanted.split('\n') as Topic[], () => call.current())
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
