import { createContext, useContext, useEffect, useRef } from 'react'
import { useQuery, type AnyVariables, type TypedDocumentNode } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'

/** What the head of a stack's pages shows, and what every page of it stands on. */
export const StackQuery = graphql(`
  query StackHead($id: ID!, $runs: SearchInput!) {
    stack(id: $id) {
      id
      name
      description
      labels
      branch
      projectRoot
      state
      stateSetAt
      starred
      isDisabled
      deleting
      protectFromDeletion
      lockedBy
      lockedAt
      lockNote
      sourceProblem
      notificationCount
      effectiveTerraformVersion
      permitted
      runProblem: obstacle(runType: TRACKED)
      previewProblem: obstacle(runType: PROPOSED)
      taskProblem: obstacle(runType: TASK)
      spaceDetails {
        id
        name
      }
      workerPool {
        id
        name
      }
      trackedCommitSetBy
      trackedCommit {
        hash
        message
        authorName
        timestamp
        url
      }
      trackedBranchHead {
        hash
        message
      }
      blocker {
        id
        state
      }
      vendorConfig {
        kind: __typename
        ... on StackConfigVendorTerraform {
          version
        }
        ... on StackConfigVendorOpenTofu {
          version
        }
      }
    }
    searchRuns(input: $runs) {
      edges {
        node {
          run {
            id
          }
        }
      }
    }
  }
`)

export type StackHead = NonNullable<ResultOf<typeof StackQuery>['stack']>
export type Right = StackHead['permitted'][number]

interface Here {
  stack: StackHead
  /** Grows whenever something about the stack or its runs has happened. */
  moved: number
}

const Current = createContext<Here | undefined>(undefined)

export const HereProvider = Current.Provider

function useHere(): Here {
  const here = useContext(Current)
  if (!here) throw new Error('no stack here: this is outside of its pages')
  return here
}

/** The stack whose page this is. */
export function useStack(): StackHead {
  return useHere().stack
}

/**
 * A query of one of the stack's pages, asked again whenever something about the stack happens.
 * All pages hear it by the one stream of their head: browsers open few to one server.
 */
export function useStackQuery<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  options: { pause?: boolean } = {},
) {
  const { moved } = useHere()
  const [result, ask] = useQuery<Data, Variables>({
    query,
    variables,
    pause: options.pause ?? false,
  } as Parameters<typeof useQuery<Data, Variables>>[0])
  const seen = useRef(moved)
  useEffect(() => {
    if (seen.current === moved || options.pause) return
    seen.current = moved
    ask({ requestPolicy: 'network-only' })
  }, [moved, ask, options.pause])
  return result
}

/** Why the person may not do it; nothing if they may. */
export function lacking(stack: StackHead, right: Right): string | undefined {
  if (stack.permitted.includes(right)) return undefined
  return `You need the right ${right} in the space ${stack.spaceDetails.name}.`
}
