import { expect, it } from 'vitest'

import { loadOf, loadWords } from './load'

const worker = (busy: boolean, drained = false, leaving = false) => ({ busy, drained, leaving })

it('counts each worker once, and those that finish their last run as busy', () => {
  const load = loadOf([worker(true), worker(false), worker(true, true), worker(false, true), worker(false, false, true)])

  expect(load).toEqual({ all: 5, busy: 2, idle: 1, away: 2 })
  expect(loadWords(load)).toBe('2 of 5 busy, 2 drained')
  expect(loadWords(loadOf([]))).toBe('no worker')
})
