import { expect, test } from 'vitest'

import { waitingOf } from './waiting'

test('runs that wait are counted with their plans, and those that a worker is on are left out', () => {
  expect(
    waitingOf([
      { value: 'UNCONFIRMED', count: 1 },
      { value: 'QUEUED', count: 3 },
      { value: 'READY', count: 1 },
      { value: 'PLANNING', count: 2 },
      { value: 'APPLYING', count: 1 },
    ]),
  ).toEqual({ runs: 5, plans: 1 })
  expect(waitingOf([])).toEqual({ runs: 0, plans: 0 })
})
