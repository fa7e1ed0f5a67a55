import { describe, expect, it } from 'vitest'

import { newsAmong, noted, said } from './news'

const BEFORE = [
  { id: 'a', state: 'PLANNING' },
  { id: 'b', state: 'FAILED' },
]

describe('news of runs', () => {
  it('is nothing on the first look', () => {
    expect(newsAmong(BEFORE, undefined)).toEqual([])
  })

  it('is a run that moved to where somebody wants to know of it, once', () => {
    const known = noted(BEFORE, undefined)
    const now = [
      { id: 'a', state: 'UNCONFIRMED' },
      { id: 'b', state: 'FAILED' },
    ]
    expect(newsAmong(now, known)).toEqual([now[0]])
    expect(newsAmong(now, noted(now, known))).toEqual([])
  })

  it('is no run that merely goes on', () => {
    expect(newsAmong([{ id: 'a', state: 'APPLYING' }], noted(BEFORE, undefined))).toEqual([])
    expect(said('APPLYING')).toBeUndefined()
    expect(said('toString')).toBeUndefined()
  })

  it('is a run that was made and ended between two looks', () => {
    expect(newsAmong([{ id: 'c', state: 'FINISHED' }], noted(BEFORE, undefined))).toHaveLength(1)
  })
})
