import { createContext, useContext } from 'react'

import { graphql, type ResultOf } from './gql'

/** Who is signed in, and where. Asked for once, before anything else is shown. */
export const SessionQuery = graphql(`
  query Session {
    viewer {
      id
      login
      name
      type
      validUntil
    }
    name
    debugInfo {
      selfHostedVersion
    }
  }
`)

export type Session = ResultOf<typeof SessionQuery> & {
  viewer: NonNullable<ResultOf<typeof SessionQuery>['viewer']>
}

const Current = createContext<Session | undefined>(undefined)

export const SessionProvider = Current.Provider

/** The session; only within pages that are shown to those who are signed in. */
export function useSession(): Session {
  const session = useContext(Current)
  if (!session) throw new Error('no session here: the page is outside of the shell')
  return session
}
