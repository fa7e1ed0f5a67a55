import { useQuery } from 'urql'

import { graphql, type ResultOf } from './gql'

export const RightsQuery = graphql(`
  query Rights {
    rights {
      space {
        id
        name
        accessLevel
      }
      actions
    }
  }
`)

export type Rights = ResultOf<typeof RightsQuery>['rights']
export type ActionName = Rights[number]['actions'][number]

/** What whoever is signed in may do; `undefined` until it is known. */
export function useRights(): Rights | undefined {
  const [{ data }] = useQuery({ query: RightsQuery, requestPolicy: 'cache-first' })
  return data?.rights
}

/** Why an action cannot be taken in a space, as a sentence; nothing when it can, or is not known. */
export function lacking(
  rights: Rights | undefined,
  action: ActionName,
  space = 'root',
): string | undefined {
  if (!rights) return undefined
  const here = rights.find((one) => one.space.id === space)
  if (here?.actions.includes(action)) return undefined
  return `You need the right ${action} in space ${here?.space.name ?? space} for this. An administrator can do it.`
}

/** Why an action cannot be taken in any space; nothing when it can in some, or is not known. */
export function lackingAnywhere(rights: Rights | undefined, action: ActionName): string | undefined {
  if (!rights || rights.some((one) => one.actions.includes(action))) return undefined
  return `You need the right ${action} in some space for this. An administrator can give it to you.`
}
