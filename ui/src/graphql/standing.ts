import { useQuery } from 'urql'

import { graphql } from './gql'

export const StandingQuery = graphql(`
  query Standing {
    spaces {
      id
      accessLevel
    }
  }
`)

/** Where whoever is signed in is administrator. */
export interface Standing {
  rootAdmin: boolean
  adminSomewhere: boolean
}

/** `undefined` until it is known. Lighter than all rights: every page asks. */
export function useStanding(): Standing | undefined {
  const [{ data }] = useQuery({ query: StandingQuery, requestPolicy: 'cache-first' })
  if (!data) return undefined
  const admin = data.spaces.filter(({ accessLevel }) => accessLevel === 'ADMIN')
  return { rootAdmin: admin.some(({ id }) => id === 'root'), adminSomewhere: admin.length > 0 }
}
