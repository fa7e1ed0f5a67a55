import { graphql, type ResultOf } from '~/graphql/gql'

export const EntriesQuery = graphql(`
  query AuditEntries($input: SearchInput!) {
    searchAuditTrailEntries(input: $input) {
      edges {
        node {
          id
          action
          actor {
            username
            run {
              id
              stackId
            }
          }
          affectedResource {
            resourceId
            resourceType
          }
          relatedResource {
            resourceId
            resourceType
          }
          body
          createdAt
          remoteIP
          sequence
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`)

export const ChainQuery = graphql(`
  query AuditChain {
    auditTrailChain {
      sealed
      waiting
      checkpoint
      checkpointAt
    }
  }
`)

export const ValuesQuery = graphql(`
  query AuditValues($values: SearchSuggestionsInput!) {
    searchAuditTrailEntriesSuggestions(input: $values) {
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

export type Entry = ResultOf<typeof EntriesQuery>['searchAuditTrailEntries']['edges'][number]['node']
export type Resource = Entry['affectedResource']
