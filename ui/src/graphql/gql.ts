import { initGraphQLTada } from 'gql.tada'

import type { introspection } from './env'

/** A document typed by its text: what it asks for is what its data has. */
export const graphql = initGraphQLTada<{ introspection: introspection }>()

export { readFragment } from 'gql.tada'
export type { FragmentOf, ResultOf, VariablesOf } from 'gql.tada'
