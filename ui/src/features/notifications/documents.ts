import { graphql, type ResultOf } from '~/graphql/gql'

export const ListQuery = graphql(`
  query Notifications($input: SearchInput!) {
    searchNotifications(input: $input) {
      edges {
        node {
          id
          title
          body
          severity
          group
          about
          stack
          stackName
          times
          dismissed
          dismissedBy
          dismissedAt
          createdAt
          lastAt
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`)

export type Told = ResultOf<typeof ListQuery>['searchNotifications']['edges'][number]['node']

export const ValuesQuery = graphql(`
  query NotificationValues($input: SearchSuggestionsInput!) {
    searchNotificationsSuggestions(input: $input) {
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

export const DismissSome = graphql(`
  mutation DismissNotifications($ids: [ID!]!) {
    dismissNotifications(ids: $ids)
  }
`)

export const DismissGroup = graphql(`
  mutation DismissNotificationGroup($group: ID!) {
    dismissNotificationGroup(group: $group)
  }
`)

export const DismissAll = graphql(`
  mutation DismissAllNotifications {
    dismissAllNotifications
  }
`)
