/** What stands in the way of changing the tree, so that a button can say so before the server does. */

import type { Space, Tree } from './documents'

/** Spaces that are always there, where they are. */
const FIXED = ['root', 'legacy']

/** Why the viewer cannot manage what hangs on the space; nothing if they can. */
export function notManager(tree: Tree, space: Space): string | undefined {
  const root = tree.spaces.find(({ id }) => id === 'root')
  if (root?.accessLevel === 'ADMIN') return undefined
  if (space.accessLevel !== 'ADMIN') return `You need the right SPACE_ADMIN in ${space.name} for this.`
  if (!tree.allowNonRootAdminSpaceCreation) {
    return 'Only administrators of the root space manage spaces here. They can let you.'
  }
  return undefined
}

/** "2 stacks and 1 context"; nothing for an empty space. */
export function heldWords(tree: Tree, space: Space): string | undefined {
  const beneath = tree.spaces.filter(({ parentSpace }) => parentSpace === space.id).length
  const { stacks, contexts, workerPools } = space.holds
  const found = [
    counted(beneath, 'space'),
    counted(stacks, 'stack'),
    counted(contexts, 'context'),
    counted(workerPools, 'worker pool'),
  ].filter((one) => one !== undefined)
  if (found.length === 0) return undefined
  const last = found.pop()
  return found.length === 0 ? last : `${found.join(', ')} and ${last}`
}

function counted(count: number, noun: string): string | undefined {
  return count === 0 ? undefined : `${count.toLocaleString()} ${noun}${count === 1 ? '' : 's'}`
}

/** Why the space cannot be deleted; nothing if it looks as if it can. */
export function notDeletable(tree: Tree, space: Space): string | undefined {
  if (FIXED.includes(space.id)) return `The space ${space.name} is always there.`
  const above = tree.spaces.find(({ id }) => id === space.parentSpace)
  const lacking = above ? notManager(tree, above) : 'You need the right SPACE_ADMIN in the space above for this.'
  if (lacking) return lacking
  const held = heldWords(tree, space)
  return held && `It holds ${held}. Move or delete those first.`
}

/** Whether it stays where it is. */
export function isFixed(space: { id: string }): boolean {
  return FIXED.includes(space.id)
}

/** The spaces that it may hang on: neither itself nor any beneath it. */
export function mayHangOn(spaces: readonly { id: string; parentSpace: string | null }[], space: string, on: string): boolean {
  const parents = new Map(spaces.map((one) => [one.id, one.parentSpace]))
  for (let at: string | null | undefined = on; at; at = parents.get(at)) {
    if (at === space) return false
  }
  return true
}
