import { describe, expect, it } from 'vitest'

import { CODES, matching } from './codes'

describe('the codes of errors', () => {
  it('are each there once, with a meaning and something to do', () => {
    expect(new Set(CODES.map((one) => one.code)).size).toBe(CODES.length)
    for (const one of CODES) {
      expect(one.meanings.length).toBeGreaterThan(0)
      expect(one.remedy).not.toBe('')
    }
  })

  it('are found by their letters and by words', () => {
    expect(matching('STALE_PLAN').map((one) => one.code)).toEqual(['STALE_PLAN'])
    expect(matching('stack locked').map((one) => one.code)).toContain('STACK_LOCKED')
    expect(matching('')).toHaveLength(CODES.length)
    expect(matching('no such words as these')).toEqual([])
  })
})
