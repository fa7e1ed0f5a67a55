import { describe, expect, it } from 'vitest'

import { durations, marks, quantile, total } from './phases'

/** Newest first, as the API has it. */
const HISTORY = [
  { state: 'FINISHED', timestamp: 160 },
  { state: 'APPLYING', timestamp: 130 },
  { state: 'PREPARING_APPLY', timestamp: 128 },
  { state: 'CONFIRMED', timestamp: 125 },
  { state: 'UNCONFIRMED', timestamp: 35 },
  { state: 'PLANNING', timestamp: 15 },
  { state: 'INITIALIZING', timestamp: 12 },
  { state: 'PREPARING', timestamp: 10 },
  { state: 'READY', timestamp: 4 },
  { state: 'QUEUED', timestamp: 0 },
]

describe('durations', () => {
  it('are added up by what happened, whichever end of the history comes first', () => {
    const wanted = { waited: 13, prepared: 7, planned: 20, decided: 90, applied: 30 }
    expect(durations(HISTORY)).toEqual(wanted)
    expect(durations(HISTORY.toReversed())).toEqual(wanted)
    expect(total(wanted)).toBe(160)
    expect(total(wanted, ['planned', 'applied'])).toBe(50)
  })

  it('are none of a run that has just begun', () => {
    expect(total(durations([{ state: 'QUEUED', timestamp: 5 }]))).toBe(0)
    expect(total(durations([]))).toBe(0)
  })

  it('of moves within one second are read in the right order', () => {
    const same = HISTORY.map((move) => ({ ...move, timestamp: 7 }))
    expect(total(durations(same))).toBe(0)
  })
})

describe('a quantile', () => {
  it('is one of the values', () => {
    expect(quantile([5, 1, 3], 0.5)).toBe(3)
    expect(quantile([5, 1, 3], 1)).toBe(5)
    expect(quantile([], 0.5)).toBe(0)
  })
})

describe('marks', () => {
  it('are round, few, and go as far as the longest', () => {
    expect(marks(0)).toEqual([0, 1])
    expect(marks(7)).toEqual([0, 2, 4, 6, 8])
    expect(marks(160)).toEqual([0, 60, 120, 180])
    for (const most of [3, 59, 61, 4000, 90_000, 1_000_000]) {
      const found = marks(most)
      expect(found.at(-1)).toBeGreaterThanOrEqual(most)
      expect(found.length).toBeLessThanOrEqual(6)
    }
  })
})
