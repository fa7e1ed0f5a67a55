import { useAccountQuery } from '~/graphql/following'
import { graphql, type ResultOf } from '~/graphql/gql'

/** Every space that the viewer may see, with what is asked of it everywhere. */
const SpacesQuery = graphql(`
  query AllSpaces {
    spaces {
      id
      name
      parentSpace
      accessLevel
    }
  }
`)

export type SomeSpace = ResultOf<typeof SpacesQuery>['spaces'][number]

export function useSpaces(options: { pause?: boolean } = {}): readonly SomeSpace[] | undefined {
  const [{ data }] = useAccountQuery({ query: SpacesQuery, pause: options.pause ?? false })
  return data?.spaces
}

interface Placed {
  id: string
  name: string
  parentSpace: string | null
}

/** The spaces above one and itself, the highest first; as far up as the viewer sees. */
export function wayTo<Space extends Placed>(spaces: readonly Space[], id: string): Space[] {
  const byId = new Map(spaces.map((one) => [one.id, one]))
  const way: Space[] = []
  for (let at = byId.get(id); at && !way.includes(at); at = at.parentSpace === null ? undefined : byId.get(at.parentSpace)) {
    way.unshift(at)
  }
  return way
}

/** "root / payments / staging": two spaces may have one name, and never one way. */
export function pathOf(spaces: readonly Placed[], id: string): string {
  return wayTo(spaces, id).map(({ name }) => name).join(' / ') || id
}
