/** What a plan does, as a list that can be looked through: counted, filtered, chosen from. */

import type { MantineColor } from '~/ui'

export interface Change {
  address: string
  previousAddress: string | null
  metadata: { type: string; resourceType: string; before: unknown; after: unknown }
}

export type Deed = 'add' | 'change' | 'delete' | 'replace' | 'import' | 'move' | 'forget'

/** In the order in which people ask for them: what is lost first. */
export const DEEDS: Record<Deed, { sign: string; color: MantineColor }> = {
  delete: { sign: '−', color: 'red' },
  replace: { sign: '±', color: 'orange' },
  change: { sign: '~', color: 'yellow' },
  add: { sign: '+', color: 'green' },
  import: { sign: '↓', color: 'blue' },
  move: { sign: '→', color: 'grape' },
  forget: { sign: '×', color: 'gray' },
}

const SAME: Record<string, Deed> = { create: 'add', update: 'change', destroy: 'delete' }

/** What the server calls a deed, in the words of the page. */
export function deedOf(type: string): Deed {
  const word = type.toLowerCase()
  return word in DEEDS ? (word as Deed) : (SAME[word] ?? 'change')
}

export interface Looking {
  /** A part of the address. */
  text: string
  types: readonly string[]
  deeds: readonly string[]
}

/** Those that fit, in the plan's order. */
export function fitting<One extends Change>(all: readonly One[], { text, types, deeds }: Looking): One[] {
  const words = text.trim().toLowerCase()
  return all.filter(
    ({ address, previousAddress, metadata }) =>
      (address.toLowerCase().includes(words) || (previousAddress ?? '').toLowerCase().includes(words)) &&
      (types.length === 0 || types.includes(metadata.resourceType)) &&
      (deeds.length === 0 || deeds.includes(deedOf(metadata.type))),
  )
}

/** How many there are of each deed; those that there are none of are left out. */
export function counted(all: readonly Change[]): { deed: Deed; count: number }[] {
  const counts = new Map<Deed, number>()
  for (const { metadata } of all) {
    const deed = deedOf(metadata.type)
    counts.set(deed, (counts.get(deed) ?? 0) + 1)
  }
  return (Object.keys(DEEDS) as Deed[]).flatMap((deed) => {
    const count = counts.get(deed)
    return count ? [{ deed, count }] : []
  })
}

/** "2 to add, 1 to delete" */
export function summary(all: readonly Change[]): string {
  return counted(all)
    .map(({ deed, count }) => `${count.toLocaleString()} to ${deed}`)
    .join(', ')
}
