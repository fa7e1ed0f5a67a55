import { describe, expect, it } from 'vitest'

import { localPage, type Local } from './local'
import type { View } from './view'

interface Row {
  name: string
  groups: readonly string[]
  seen: number | null
}

const ROWS: readonly Row[] = [
  { name: 'Ada Lovelace', groups: ['Platform', 'Shop'], seen: 5 },
  { name: 'Grace Hopper', groups: ['Shop'], seen: null },
  { name: 'Alan Turing', groups: [], seen: 9 },
]
const HOW: Local<Row> = {
  text: (row) => [row.name, null],
  filters: [{ field: 'group', title: 'Group', of: (row) => row.groups }],
  orders: { name: (row) => row.name, seen: (row) => row.seen },
}
const ALL: View = { text: '', order: undefined, filters: {}, columns: undefined, cursors: [] }

function names(view: Partial<View>): string[] {
  return localPage(ROWS, { ...ALL, ...view }, HOW).rows.map(({ name }) => name.split(' ')[0] ?? '')
}

describe('a list that came whole', () => {
  it('stays as it came until it is narrowed', () => {
    expect(names({})).toEqual(['Ada', 'Grace', 'Alan'])
    expect(names({ text: 'a LOVE' })).toEqual(['Ada'])
    expect(names({ filters: { group: ['Shop'] } })).toEqual(['Ada', 'Grace'])
  })

  it('is ordered both ways, and what has no value comes last', () => {
    expect(names({ order: { field: 'name', descending: true } })).toEqual(['Grace', 'Alan', 'Ada'])
    expect(names({ order: { field: 'seen', descending: false } })).toEqual(['Ada', 'Alan', 'Grace'])
    expect(names({ order: { field: 'seen', descending: true } })).toEqual(['Alan', 'Ada', 'Grace'])
    expect(names({ order: { field: 'nothing', descending: true } })).toEqual(['Ada', 'Grace', 'Alan'])
  })

  it('counts the values of a filter beside what others leave', () => {
    const { filters, total } = localPage(ROWS, { ...ALL, text: 'grace', filters: { group: ['Platform'] } }, HOW)
    expect(total).toBe(0)
    expect(filters[0]?.values).toEqual([
      { value: 'Platform', label: 'Platform', count: 0 },
      { value: 'Shop', label: 'Shop', count: 1 },
    ])
  })

  it('is cut into pages, and a cursor that is none is the first', () => {
    const many = Array.from({ length: 120 }, (_, n) => ({ name: `user ${n}`, groups: [], seen: n }))
    const first = localPage(many, ALL, HOW)
    expect(first.rows).toHaveLength(50)
    expect(first.page).toEqual({ endCursor: '50', hasNextPage: true })
    const last = localPage(many, { ...ALL, cursors: ['50', '100'] }, HOW)
    expect(last.rows.map(({ seen }) => seen)).toEqual(many.slice(100).map(({ seen }) => seen))
    expect(last.page.hasNextPage).toBe(false)
    expect(localPage(many, { ...ALL, cursors: ['nonsense'] }, HOW).rows[0]?.seen).toBe(0)
  })
})
