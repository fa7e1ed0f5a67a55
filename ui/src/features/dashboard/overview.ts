import { graphql, type ResultOf } from '~/graphql/gql'
import { RunStateFields } from '~/runs/RunState'

/** A run in one of the overview's lists. */
export const OverviewRun = graphql(
  `
    fragment OverviewRun on RunWithStack @_unmask {
      run {
        id
        type
        title
        createdAt
        updatedAt
        triggeredBy
        failureReason
        isMostRecent
        needsApproval
        state
        delta {
          addCount
          changeCount
          deleteCount
        }
        condition {
          reason
          message
          owner
          since
          blockedBy
          runsAhead
        }
        ...RunStateFields
      }
      stack {
        id
        name
        canWrite
      }
    }
  `,
  [RunStateFields],
)

export const OverviewQuery = graphql(
  `
    query Overview(
      $attention: SearchInput!
      $waiting: SearchInput!
      $failed: SearchInput!
      $locked: SearchInput!
      $going: SearchSuggestionsInput!
      $stacks: SearchSuggestionsInput!
    ) {
      attention: searchRuns(input: $attention) {
        edges {
          node {
            ...OverviewRun
          }
        }
      }
      waiting: searchRuns(input: $waiting) {
        edges {
          node {
            ...OverviewRun
          }
        }
      }
      failed: searchRuns(input: $failed) {
        edges {
          node {
            ...OverviewRun
          }
        }
      }
      locked: searchStacks(input: $locked) {
        edges {
          node {
            id
            name
            lockedBy
            lockedAt
            lockNote
            unknownOutcome {
              id
              title
              failureReason
            }
          }
        }
      }
      going: searchRunsSuggestions(input: $going) {
        total
        fields {
          values {
            value
            count
          }
        }
      }
      stacks: searchStacksSuggestions(input: $stacks) {
        total
        fields {
          values {
            value
            count
          }
        }
      }
      workerPools {
        id
        name
        workersCount
        busyWorkers
        pendingRuns
      }
      publicWorkerPool {
        parallelism
        busyWorkers
        pendingRuns
      }
    }
  `,
  [OverviewRun],
)

export const DurationsQuery = graphql(`
  query Durations($input: SearchInput!) {
    searchRuns(input: $input) {
      edges {
        node {
          run {
            id
            title
            history {
              state
              timestamp
            }
          }
          stack {
            id
            name
          }
        }
      }
    }
  }
`)

export type Overview = ResultOf<typeof OverviewQuery>
export type RunOf = Overview['attention']['edges'][number]['node']
export type LockedStack = Overview['locked']['edges'][number]['node']

function states(values: readonly string[]) {
  return [{ field: 'state', constraint: { enumEquals: [...values] } }]
}

/** Where runs stand that a person has to decide about. */
export const DECIDING = ['UNCONFIRMED', 'PENDING_REVIEW'] as const
/** Where runs stand that nobody works on, though nobody has to decide. */
export const WAITING = ['QUEUED', 'READY', 'CONFIRMED', 'REPLAN_REQUESTED'] as const

/** As many of each as one takes in at a glance; each list says where the others are. */
const FEW = 8
/** Runs in the chart of durations: as many columns as fit a small screen. */
export const MEASURED = 40

/** As many as somebody reads who wants to see all: the decisions of a large account's day. */
export const MANY = 100

/** What the overview asks; `all` of what waits, instead of a few. */
export const asked = (all: boolean) => ({
  attention: {
    first: all ? MANY : FEW,
    predicates: states(DECIDING),
    orderBy: [{ field: 'createdAt', direction: 'ASC' as const }],
  },
  waiting: {
    first: all ? MANY : FEW,
    predicates: states(WAITING),
    orderBy: [{ field: 'createdAt', direction: 'ASC' as const }],
  },
  failed: { first: FEW, predicates: states(['FAILED']) },
  locked: {
    first: FEW,
    predicates: [{ field: 'locked', constraint: { booleanEquals: [true] } }],
    orderBy: [{ field: 'lockedAt', direction: 'ASC' as const }],
  },
  going: {
    fields: ['state'],
    predicates: [{ field: 'finished', constraint: { booleanEquals: [false] } }],
  },
  stacks: { fields: ['state', 'locked'] },
})

export const DURATIONS_ASKED = {
  first: MEASURED,
  predicates: [
    ...states(['FINISHED']),
    { field: 'type', constraint: { enumEquals: ['TRACKED', 'DESTROY'] } },
  ],
}
