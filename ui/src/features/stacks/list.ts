import { graphql, type ResultOf } from '~/graphql/gql'

/** The fields of the list that are yes or no. */
export const BOOLEANS = ['administrative', 'isDisabled', 'locked', 'starred'] as const

export const FIELDS = [
  'state',
  'label',
  'space',
  'repository',
  'branch',
  'vendor',
  'workerPool',
  'locked',
  'starred',
  'isDisabled',
] as const

export const StackRow = graphql(`
  fragment StackRow on Stack @_unmask {
    id
    name
    description
    state
    stateSetAt
    labels
    branch
    repository
    namespace
    projectRoot
    lockedBy
    lockNote
    isDisabled
    canWrite
    starred
    createdAt
    spaceDetails {
      id
      name
    }
    workerPool {
      id
      name
    }
    trackedCommit {
      hash
      message
    }
    blocker {
      id
      state
      canDiscard
    }
  }
`)

export const StacksQuery = graphql(
  `
    query Stacks($input: SearchInput!) {
      searchStacks(input: $input) {
        edges {
          node {
            ...StackRow
          }
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  `,
  [StackRow],
)

export const ValuesQuery = graphql(`
  query StackValues($input: SearchSuggestionsInput!) {
    searchStacksSuggestions(input: $input) {
      total
      fields {
        field
        hasMore
        values {
          value
          label
          count
        }
      }
    }
  }
`)

export type Row = ResultOf<typeof StackRow>
