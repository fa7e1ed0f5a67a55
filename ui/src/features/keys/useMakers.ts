import { useAccountQuery } from '~/graphql/following'
import { useStanding } from '~/graphql/standing'

import { MakersQuery } from './documents'

export interface Makers {
  /** Whether the viewer makes keys of every kind. */
  root: boolean
  /** Whether administrators of single spaces make keys. */
  spaceAdmins: boolean
  /** Why the viewer makes none. */
  why: string | undefined
  /** Asks anew. */
  again: () => void
}

/** Who may make keys; `undefined` until it is known. */
export function useMakers(): Makers | undefined {
  const standing = useStanding()
  const [{ data }, ask] = useAccountQuery({ query: MakersQuery })
  if (!standing || !data) return undefined
  const spaceAdmins = data.apiKeysManagedByNonRootAdmins
  const may = standing.rootAdmin || (spaceAdmins && standing.adminSomewhere)
  return {
    root: standing.rootAdmin,
    spaceAdmins,
    again: () => ask({ requestPolicy: 'network-only' }),
    why: may
      ? undefined
      : spaceAdmins
        ? 'You need the right SPACE_ADMIN in some space for this.'
        : 'You need the right SPACE_ADMIN in the root space for this: administrators of single spaces make no keys in this account.',
  }
}
