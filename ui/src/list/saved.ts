import { graphql, type ResultOf } from '~/graphql/gql'

import { readView, writeView, type View } from './view'

export const SavedQuery = graphql(`
  query SavedFilters($type: String) {
    savedFilters(type: $type) {
      id
      name
      isPublic
      createdBy
      data
    }
  }
`)

export const CreateSaved = graphql(`
  mutation CreateSavedFilter($input: SavedFilterInput!) {
    savedFilterCreate(input: $input) {
      id
      name
    }
  }
`)

export const UpdateSaved = graphql(`
  mutation UpdateSavedFilter($id: ID!, $isPublic: Boolean!, $name: String, $data: String) {
    savedFilterUpdate(id: $id, isPublic: $isPublic, name: $name, data: $data) {
      id
      name
      isPublic
    }
  }
`)

export const DeleteSaved = graphql(`
  mutation DeleteSavedFilter($id: ID!) {
    savedFilterDelete(id: $id) {
      id
    }
  }
`)

export type Saved = ResultOf<typeof SavedQuery>['savedFilters'][number]

/** A saved view, and what it shows; none for what another program keeps in words of its own. */
export interface Kept {
  saved: Saved
  address: string | undefined
}

/** A view as it is kept: as its own address, wherever in the list one was. */
export function addressOf(view: View): string {
  return writeView({ ...view, cursors: [] }).toString()
}

/** What is sent to be kept. */
export function packed(view: View): string {
  return JSON.stringify({ address: addressOf(view) })
}

/** The address that was kept, as this release would write it; nothing for other programs' words. */
export function unpacked(data: string): string | undefined {
  try {
    const found: unknown = JSON.parse(data)
    if (typeof found !== 'object' || found === null || !('address' in found)) return undefined
    return typeof found.address === 'string' ? addressOf(viewOf(found.address)) : undefined
  } catch {
    return undefined
  }
}

/** The view of such an address: all of it, so that nothing of the present one stays. */
export function viewOf(address: string): View {
  return readView(new URLSearchParams(address))
}

/** One's own first, then those for everybody; each by name, as the server gives them. */
export function sorted(found: readonly Saved[], me: string): { mine: Kept[]; others: Kept[] } {
  const kept = found.map((saved) => ({ saved, address: unpacked(saved.data) }))
  return {
    mine: kept.filter((one) => one.saved.createdBy === me),
    others: kept.filter((one) => one.saved.createdBy !== me),
  }
}

/** A person as they are called: `saml::ada@example.test` without where they are known from. */
export function personOf(createdBy: string): string {
  return createdBy.split('::').at(-1) ?? createdBy
}
