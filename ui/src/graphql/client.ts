import {
  cacheExchange,
  CombinedError,
  createClient,
  fetchExchange,
  mapExchange,
  type Operation,
  type OperationResult,
} from 'urql'

import { isSignedOut, Unanswered } from './problem'

/** The one client. `signedOut` is called when an answer says that the session has ended. */
export function makeClient(signedOut: () => void) {
  const asked = new Map<number, Operation>()
  const shown = new Map<number, unknown>()
  const client = createClient({
    url: '/graphql',
    preferGetMethod: false,
    // What is shown already stays until the answer is there; every page looks again when opened.
    requestPolicy: 'cache-and-network',
    exchanges: [
      mapExchange({
        onOperation(operation) {
          if (operation.kind === 'query') asked.set(operation.key, operation)
          if (operation.kind === 'teardown') {
            asked.delete(operation.key)
            shown.delete(operation.key)
          }
        },
        onResult(result) {
          if (result.operation.kind === 'mutation') return orUnanswered(result)
          const before: unknown = shown.get(result.operation.key)
          if (!isNoAnswer(result)) shown.set(result.operation.key, result.data)
          // Nobody's page, and what they have typed there, goes away because a server did.
          else if (before) return { ...result, data: before as typeof result.data }
          return result
        },
        onError(error) {
          if (isSignedOut(error)) signedOut()
        },
      }),
      cacheExchange,
      fetchExchange,
    ],
  })
  /** Every question on the page once more. */
  const askAgain = () => {
    for (const one of asked.values()) {
      const context = { ...one.context, requestPolicy: 'network-only' as const }
      client.reexecuteOperation(client.createRequestOperation('query', one, context))
    }
  }
  return { client, askAgain }
}

function isNoAnswer({ error }: OperationResult): boolean {
  return error !== undefined && (error.networkError !== undefined || isSignedOut(error))
}

/** What was to be done may have been done all the same. */
function orUnanswered(result: OperationResult): OperationResult {
  if (!result.error?.networkError) return result
  return { ...result, error: new CombinedError({ networkError: new Unanswered() }) }
}
