import { describe, expect, it } from 'vitest'

import type { Tree } from './documents'
import { heldWords, mayHangOn, notDeletable, notManager } from './rules'

const EMPTY = { stacks: 0, contexts: 0, workerPools: 0 }

function space(id: string, parentSpace: string | null, more: Partial<Tree['spaces'][number]> = {}) {
  return {
    id,
    name: id,
    description: '',
    parentSpace,
    inheritEntities: false,
    labels: [],
    accessLevel: 'ADMIN' as const,
    holds: EMPTY,
    ...more,
  }
}

function tree(spaces: Tree['spaces'], allowed = false): Tree {
  return { spaces, allowNonRootAdminSpaceCreation: allowed }
}

describe('what stands in the way of a change of the tree', () => {
  it('is nothing for whoever is admin of the root space', () => {
    const all = tree([space('root', null), space('team', 'root')])
    expect(notManager(all, space('team', 'root'))).toBeUndefined()
    expect(notDeletable(all, space('team', 'root'))).toBeUndefined()
    expect(notDeletable(all, space('root', null))).toContain('always there')
  })

  it('is the toggle for admins of other spaces, and the right for others', () => {
    const mine = space('team', 'root')
    const root = space('root', null, { accessLevel: 'READ' })
    expect(notManager(tree([root, mine]), mine)).toContain('They can let you')
    expect(notManager(tree([root, mine], true), mine)).toBeUndefined()
    expect(notManager(tree([root, mine], true), root)).toContain('SPACE_ADMIN in root')
  })

  it('is what it holds', () => {
    const full = space('team', 'root', { holds: { stacks: 2, contexts: 1, workerPools: 0 } })
    const all = tree([space('root', null), full, space('inner', 'team')])
    expect(heldWords(all, full)).toBe('1 space, 2 stacks and 1 context')
    expect(notDeletable(all, full)).toContain('It holds 1 space, 2 stacks and 1 context.')
  })

  it('is that it would hang on itself', () => {
    const all = [space('root', null), space('team', 'root'), space('inner', 'team')]
    expect(mayHangOn(all, 'team', 'inner')).toBe(false)
    expect(mayHangOn(all, 'team', 'team')).toBe(false)
    expect(mayHangOn(all, 'inner', 'root')).toBe(true)
  })
})
