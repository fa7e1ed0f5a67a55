import { graphql } from '~/graphql/gql'

export const WorkerFields = graphql(`
  fragment WorkerFields on Worker {
    id
    status
    busy
    drained
    leaving
    version
    concurrency
    createdAt
    availableAt
    lastSeenAt
    metadata
    runs {
      stackId
      stackName
      run {
        id
        title
        state
        type
      }
    }
  }
`)

export const QueueFields = graphql(`
  fragment QueueFields on SearchSchedulableRunsOutput {
    edges {
      node {
        position
        stackId
        stackName
        run {
          id
          title
          state
          type
          createdAt
          condition {
            reason
            message
            since
          }
        }
      }
    }
    pageInfo {
      endCursor
      hasNextPage
    }
  }
`)
