import { describe, expect, it } from 'vitest'

import { readView, toggled, writeView, type View } from './view'

const VIEW: View = {
  text: 'net work',
  order: { field: 'name', descending: true },
  filters: { state: ['FAILED', 'UNCONFIRMED'], label: ['team:a&b'] },
  columns: ['name', 'state'],
  cursors: ['abc', 'def='],
  size: 250,
}

describe('a view in the address', () => {
  it('comes back as it went in', () => {
    expect(readView(new URLSearchParams(writeView(VIEW).toString()))).toEqual(VIEW)
  })

  it('has no more rows than the server gives', () => {
    expect(readView(new URLSearchParams('rows=100000')).size).toBeUndefined()
  })

  it('is empty for an empty address, and leaves it empty', () => {
    const empty = readView(new URLSearchParams(''))
    expect(writeView(empty).toString()).toBe('')
  })

  it('leaves what is not its own alone', () => {
    const others = new URLSearchParams('tab=tasks&q=old')
    expect(writeView({ ...VIEW, text: '' }, others).get('tab')).toBe('tasks')
    expect(writeView({ ...VIEW, text: '' }, others).has('q')).toBe(false)
  })
})

describe('a filter', () => {
  it('is switched on and off again', () => {
    const on = toggled({ ...VIEW, filters: {} }, 'state', 'FAILED')
    expect(on).toEqual({ state: ['FAILED'] })
    expect(toggled({ ...VIEW, filters: on }, 'state', 'FAILED')).toEqual({})
  })
})
