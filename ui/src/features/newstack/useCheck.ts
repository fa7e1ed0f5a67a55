import { useEffect, useState } from 'react'
import { useClient, type AnyVariables, type CombinedError, type TypedDocumentNode } from 'urql'

/** Somebody who stops to look has stopped typing for so long. */
const PAUSE_MS = 400

export interface Check<Data> {
  /** Whether something is asked that has no answer yet. */
  waiting: boolean
  data: Data | undefined
  error: CombinedError | undefined
}

/**
 * Asks when the variables have stayed the same for a moment, and drops the question when they
 * change: an answer always belongs to what is asked now. `turn` asks the same once more.
 */
export function useCheck<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables | undefined,
  turn = 0,
): Check<Data> {
  const client = useClient()
  const [answer, setAnswer] = useState<{ key: string; data?: Data; error?: CombinedError }>()
  const asked = variables === undefined ? undefined : JSON.stringify(variables)
  const key = asked === undefined ? undefined : `${turn} ${asked}`

  useEffect(() => {
    if (key === undefined || asked === undefined) return
    let stop: (() => void) | undefined
    const timer = setTimeout(() => {
      const found = client
        .query<Data, Variables>(query, JSON.parse(asked) as Variables, {
          requestPolicy: 'network-only',
        })
        .subscribe(({ data, error, stale }) => {
          if (stale) return
          setAnswer({
            key,
            ...(data === undefined ? {} : { data }),
            ...(error === undefined ? {} : { error }),
          })
        })
      stop = found.unsubscribe
    }, PAUSE_MS)
    return () => {
      clearTimeout(timer)
      stop?.()
    }
  }, [client, query, asked, key])

  const fits = key !== undefined && answer?.key === key
  return {
    waiting: key !== undefined && !fits,
    data: fits ? answer.data : undefined,
    error: fits ? answer.error : undefined,
  }
}
