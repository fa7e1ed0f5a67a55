import { describe, expect, it } from 'vitest'

import { failedLately, LATELY_DAYS } from './lately'

const NOW = 1_800_000_000
const DAY = 24 * 3600

describe('what failed lately', () => {
  it('is of the last days alone', () => {
    const [new_, old] = [NOW - 60, NOW - LATELY_DAYS * DAY - 1].map((updatedAt) => ({ run: { updatedAt } }))
    expect(failedLately([new_, old].filter((one) => one !== undefined), NOW)).toEqual([new_])
  })

  it('grows old while the page is open', () => {
    const failed = [{ run: { updatedAt: NOW } }]
    expect(failedLately(failed, NOW + DAY)).toEqual(failed)
    expect(failedLately(failed, NOW + LATELY_DAYS * DAY)).toEqual([])
  })
})
