import { graphql, type ResultOf } from '~/graphql/gql'

export const VersionFields = graphql(`
  fragment VersionFields on ManagedStateVersion @_unmask {
    id
    serial
    lineage
    lastModified
    size
    imported
    rollback
    rolledBackToSerial
    terraformVersion
    resourceCount
    createdBy
    run {
      id
      type
      title
      triggeredBy
    }
  }
`)

export const ComparisonFields = graphql(
  `
    fragment ComparisonFields on StateComparison @_unmask {
      added
      removed
      changed
      same
      found
      before {
        ...VersionFields
      }
      after {
        ...VersionFields
      }
      edges {
        node {
          address
          type
          mode
          kind
          leftOut
          attributes {
            path
            kind
            before
            after
            sensitive
          }
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  `,
  [VersionFields],
)

export const HistoryQuery = graphql(
  `
    query StateHistory($stack: ID!, $input: SearchInput!) {
      stack(id: $stack) {
        id
        name
        managesStateFile
        lockedAt
        lockedBy
        lockNote
        canWrite
        blocker {
          id
          title
          state
        }
      }
      stackStateHistory(stackId: $stack, input: $input) {
        total
        lockedByYou
        compareRefusal
        downloadRefusal
        changeRefusal
        current {
          ...VersionFields
        }
        lock {
          who
          operation
          lockedAt
          run {
            id
            title
          }
        }
        unsaved {
          runId
          serial
          lineage
          size
          keptAt
          run {
            id
            title
          }
        }
        edges {
          node {
            ...VersionFields
          }
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  `,
  [VersionFields],
)

export const CompareQuery = graphql(
  `
    query CompareStates($stack: ID!, $before: ID, $after: ID!, $input: StateComparisonInput) {
      stackStateComparison(stackId: $stack, before: $before, after: $after, input: $input) {
        ...ComparisonFields
      }
    }
  `,
  [ComparisonFields],
)

export const CompareUnsavedQuery = graphql(
  `
    query CompareUnsavedState($stack: ID!, $run: ID!, $input: StateComparisonInput) {
      stackUnsavedStateComparison(stackId: $stack, runId: $run, input: $input) {
        ...ComparisonFields
      }
    }
  `,
  [ComparisonFields],
)

export const CheckImportQuery = graphql(
  `
    query CheckStateImport($stack: ID!, $state: String!, $input: StateComparisonInput) {
      stackStateImportCheck(stackId: $stack, state: $state, input: $input) {
        serial
        lineage
        terraformVersion
        resourceCount
        size
        refusal
        refusalCode
        comparison {
          ...ComparisonFields
        }
      }
    }
  `,
  [ComparisonFields],
)

export const DownloadMutation = graphql(`
  mutation DownloadState($input: StateDownloadUrlInput!) {
    stateDownloadUrl(input: $input) {
      url
    }
  }
`)

export const LockMutation = graphql(`
  mutation LockForState($stack: ID!, $note: String) {
    stackLock(id: $stack, note: $note) {
      id
      lockedAt
      lockedBy
    }
  }
`)

export const UnlockMutation = graphql(`
  mutation UnlockAfterState($stack: ID!) {
    stackUnlock(id: $stack) {
      id
      lockedAt
      lockedBy
    }
  }
`)

export const RollbackMutation = graphql(
  `
    mutation RollBackState($stack: ID!, $version: String!) {
      stackManagedStateRollback(stackId: $stack, managedStateVersionId: $version) {
        ...VersionFields
      }
    }
  `,
  [VersionFields],
)

export const ImportMutation = graphql(`
  mutation ImportState($stack: ID!, $state: String!) {
    stackManagedStateImport(stackId: $stack, state: $state, onlyNext: true)
  }
`)

export const ImportUnsavedMutation = graphql(`
  mutation ImportUnsavedState($stack: ID!, $run: ID!) {
    stackUnsavedStateImport(stackId: $stack, runId: $run)
  }
`)

export const DiscardUnsavedMutation = graphql(`
  mutation DiscardUnsavedState($stack: ID!, $run: ID!) {
    stackUnsavedStateDiscard(stackId: $stack, runId: $run)
  }
`)

export const PreviewMutation = graphql(`
  mutation PreviewAfterState($stack: ID!) {
    runTrigger(stack: $stack, runType: PROPOSED) {
      id
    }
  }
`)

export type Found = ResultOf<typeof HistoryQuery>
export type StackOfState = NonNullable<Found['stack']>
export type History = Found['stackStateHistory']
export type Version = ResultOf<typeof VersionFields>
export type Comparison = ResultOf<typeof ComparisonFields>
export type Difference = Comparison['edges'][number]['node']
export type Unsaved = History['unsaved'][number]
