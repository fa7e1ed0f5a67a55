import { describe, expect, it } from 'vitest'

import { moveOf, rowsOf } from './tree'

const SPACES = [
  { id: 'root', name: 'root', parentSpace: null },
  { id: 'shop', name: 'shop', parentSpace: 'root' },
  { id: 'bank', name: 'bank', parentSpace: 'root' },
  { id: 'staging', name: 'staging', parentSpace: 'shop' },
]
const all = () => true
const ids = (rows: ReturnType<typeof rowsOf>) => rows.map(({ space }) => space.id)

describe('the tree of spaces', () => {
  it('shows what hangs on open ones, by name, and says where each is', () => {
    const rows = rowsOf(SPACES, all)
    expect(ids(rows)).toEqual(['root', 'bank', 'shop', 'staging'])
    expect(rows[2]).toMatchObject({ level: 2, place: 2, size: 2, open: true, above: 'root' })
    expect(rows[3]).toMatchObject({ level: 3, place: 1, size: 1, open: undefined })
    expect(ids(rowsOf(SPACES, (id) => id === 'root'))).toEqual(['root', 'bank', 'shop'])
  })

  it('begins with those whose parent one does not see', () => {
    expect(rowsOf(SPACES.slice(1), all).map(({ level }) => level)).toEqual([1, 1, 2])
  })

  it('finds by words, with the way there', () => {
    expect(ids(rowsOf(SPACES, () => false, 'STAG'))).toEqual(['root', 'shop', 'staging'])
    expect(rowsOf(SPACES, all, 'nothing')).toEqual([])
  })

  it('is walked by keys', () => {
    const open = rowsOf(SPACES, all)
    const closed = rowsOf(SPACES, (id) => id === 'root')
    expect(moveOf(open, 'root', 'ArrowDown')).toEqual({ to: 'bank' })
    expect(moveOf(open, 'root', 'ArrowUp')).toBeUndefined()
    expect(moveOf(open, 'bank', 'End')).toEqual({ to: 'staging' })
    expect(moveOf(closed, 'shop', 'ArrowRight')).toEqual({ open: 'shop' })
    expect(moveOf(open, 'shop', 'ArrowRight')).toEqual({ to: 'staging' })
    expect(moveOf(open, 'shop', 'ArrowLeft')).toEqual({ close: 'shop' })
    expect(moveOf(open, 'staging', 'ArrowLeft')).toEqual({ to: 'shop' })
    expect(moveOf(open, 'staging', 'ArrowRight')).toBeUndefined()
    expect(moveOf(open, 'root', 's')).toEqual({ to: 'shop' })
    expect(moveOf(open, 'shop', 's')).toEqual({ to: 'staging' })
    expect(moveOf(open, 'gone', 'ArrowDown')).toEqual({ to: 'root' })
  })
})
