import { describe, expect, it } from 'vitest'

import { addressOf, packed, sorted, unpacked, viewOf } from './saved'
import { readView } from './view'

const HERE = readView(new URLSearchParams('q=net&f.state=FAILED&f.label=a%26b&sort=-name&rows=100&after=x'))

describe('a saved view', () => {
  it('shows what was seen, from its first page', () => {
    expect(viewOf(unpacked(packed(HERE)) ?? '')).toEqual({ ...HERE, cursors: [] })
  })

  it('is the same from every page of the list', () => {
    expect(addressOf(HERE)).toBe(addressOf({ ...HERE, cursors: ['y', 'z'] }))
  })

  it.each(['', 'nonsense', '{}', 'null', '[1]', '{"address": 7}', '{"key": "activeFilters"}'])(
    'of another program is none of ours: %s',
    (data) => expect(unpacked(data)).toBeUndefined(),
  )

  it('is cleaned of what is no part of a view', () => {
    expect(unpacked('{"address": "q=x&tab=evil&rows=9999"}')).toBe('q=x')
  })
})

it('tells one’s own from those of others', () => {
  const one = { id: '1', name: 'x', isPublic: true, createdBy: 'admin::ada', data: '{}' }
  const other = { ...one, id: '2', createdBy: 'api::ci' }
  const { mine, others } = sorted([one, other], 'admin::ada')
  expect(mine.map((kept) => kept.saved.id)).toEqual(['1'])
  expect(others.map((kept) => kept.saved.id)).toEqual(['2'])
})
