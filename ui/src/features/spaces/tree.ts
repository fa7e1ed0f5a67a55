/** The tree of spaces as it is drawn: who hangs on whom, and which rows are to be seen. */

interface Placed {
  id: string
  name: string
  parentSpace: string | null
}

/** A row of the tree. Numbers count from 1, as those who listen are told them. */
export interface Row<Space> {
  space: Space
  level: number
  /** Its place among those that hang on the same one, and how many those are. */
  place: number
  size: number
  /** None when nothing hangs on it. */
  open: boolean | undefined
  /** The row that it hangs on. */
  above: string | undefined
}

/** By the space that they hang on, in the order of their names; those whose parent is not seen hang on none. */
export function beneath<Space extends Placed>(spaces: readonly Space[]): ReadonlyMap<string | undefined, Space[]> {
  const seen = new Set(spaces.map(({ id }) => id))
  const found = new Map<string | undefined, Space[]>()
  for (const one of spaces.toSorted((a, b) => a.name.localeCompare(b.name))) {
    const parent = one.parentSpace !== null && seen.has(one.parentSpace) ? one.parentSpace : undefined
    found.set(parent, [...(found.get(parent) ?? []), one])
  }
  return found
}

/** The rows to be seen: of an open space those beneath it, of words all that have them and the ways to them. */
export function rowsOf<Space extends Placed>(
  spaces: readonly Space[],
  isOpen: (id: string) => boolean,
  words = '',
): Row<Space>[] {
  const children = beneath(spaces)
  const wanted = words.trim().toLowerCase()
  const fits = (one: Space): boolean =>
    one.name.toLowerCase().includes(wanted) || (children.get(one.id) ?? []).some(fits)
  const walk = (parent: string | undefined, level: number): Row<Space>[] => {
    const those = (children.get(parent) ?? []).filter((one) => wanted === '' || fits(one))
    return those.flatMap((space, n) => {
      const inside = children.get(space.id)
      // Who looks for something has opened everything that leads to it.
      const open = inside && (wanted === '' ? isOpen(space.id) : inside.some(fits))
      const row = { space, level, place: n + 1, size: those.length, open, above: parent }
      return open ? [row, ...walk(space.id, level + 1)] : [row]
    })
  }
  return walk(undefined, 1)
}

/** What a key does in the tree: go to a row, or open or close the one where one is. */
export type Move = { to: string } | { open: string } | { close: string } | undefined

export function moveOf<Space extends Placed>(rows: readonly Row<Space>[], at: string, key: string): Move {
  const here = rows.findIndex(({ space }) => space.id === at)
  const row = rows[here]
  const go = (found: Row<Space> | undefined): Move => (found ? { to: found.space.id } : undefined)
  if (!row) return go(rows[0])
  switch (key) {
    case 'ArrowDown':
      return go(rows[here + 1])
    case 'ArrowUp':
      return go(rows[here - 1])
    case 'Home':
      return go(rows[0])
    case 'End':
      return go(rows.at(-1))
    case 'ArrowRight':
      if (row.open === undefined) return undefined
      return row.open ? go(rows[here + 1]) : { open: at }
    case 'ArrowLeft':
      if (row.open) return { close: at }
      return row.above === undefined ? undefined : { to: row.above }
    default:
      return key.length === 1 ? go(named(rows, here, key.toLowerCase())) : undefined
  }
}

/** The next one, from here on and around, whose name begins with the letter. */
function named<Space extends Placed>(rows: readonly Row<Space>[], here: number, letter: string) {
  const around = [...rows.slice(here + 1), ...rows.slice(0, here)]
  return around.find(({ space }) => space.name.toLowerCase().startsWith(letter))
}
