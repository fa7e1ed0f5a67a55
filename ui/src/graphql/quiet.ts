import { createClient, fetchExchange, type AnyVariables, type TypedDocumentNode } from 'urql'

import { problemOf, type Problem } from './problem'

/** Keeps nothing and wakes nobody: what it changes is seen when pages look again. */
const client = createClient({
  url: '/graphql',
  preferGetMethod: false,
  requestPolicy: 'network-only',
  exchanges: [fetchExchange],
})

type Answer<Data> =
  | { data: Data; problem?: undefined }
  | { data?: undefined; problem: Problem & { unreachable: boolean } }

/**
 * Sends an operation past the pages' client, for whoever sends many: each of its changes would
 * make every list on the page ask again.
 */
export async function send<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Answer<Data>> {
  const kind = document.definitions.find((one) => one.kind === 'OperationDefinition')?.operation
  const result =
    kind === 'mutation'
      ? await client.mutation<Data, Variables>(document, variables).toPromise()
      : await client.query<Data, Variables>(document, variables).toPromise()
  if (result.error || result.data == null) {
    const problem = problemOf(result.error)
    const unreachable = !result.error || result.error.networkError !== undefined
    return { problem: { ...problem, unreachable: unreachable || problem.code === 'UNAUTHENTICATED' } }
  }
  return { data: result.data }
}
