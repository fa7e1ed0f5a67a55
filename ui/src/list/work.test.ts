import { describe, expect, it } from 'vitest'

import type { Outcome } from './types'
import { AT_ONCE, fitting, tally, work, type Step } from './work'

const DONE: Outcome = { is: 'done' }

/** Items that end when they are told to. */
function held(count: number) {
  const begun: number[] = []
  const ends: ((outcome: Outcome) => void)[] = []
  const items = Array.from({ length: count }, (_, n) => n)
  const steps: Step[] = items.map(() => 'waits')
  const act = (item: number) =>
    new Promise<Outcome>((resolve) => {
      begun.push(item)
      ends[item] = resolve
    })
  const told = (index: number, step: Step) => {
    steps[index] = step
  }
  const end = async (item: number, outcome: Outcome = DONE) => {
    ends[item]?.(outcome)
    await new Promise((resolve) => setTimeout(resolve))
  }
  return { items, begun, steps, act, told, end }
}

describe('work on several', () => {
  it('has few under way at once, in order, and tells of each', async () => {
    const all = held(5)
    const over = work(all.items, all.act, all.told)
    expect(all.begun).toEqual([0, 1, 2].slice(0, AT_ONCE))

    await all.end(1, { is: 'refused', sentence: 'stack is already locked by ada' })
    expect(all.begun).toEqual([0, 1, 2, 3])
    expect(tally(all.steps)).toEqual({ waits: 1, works: 3, done: 0, refused: 1 })

    for (const item of [0, 2, 3, 4]) await all.end(item)
    await over
    expect(tally(all.steps)).toEqual({ waits: 0, works: 0, done: 4, refused: 1 })
  })

  it('ends what is under way and begins nothing else once it is stopped', async () => {
    const all = held(6)
    let stopped = false
    const over = work(all.items, all.act, all.told, () => stopped)
    stopped = true
    for (const item of [0, 1, 2]) await all.end(item)
    await over
    expect(tally(all.steps)).toEqual({ waits: 3, works: 0, done: 3, refused: 0 })
  })

  it('gives up when the others would fare no better', async () => {
    const all = held(6)
    const over = work(all.items, all.act, all.told)
    await all.end(0, { is: 'refused', sentence: 'The server cannot be reached.', broken: true })
    for (const item of [1, 2]) await all.end(item)
    await over
    expect(tally(all.steps)).toEqual({ waits: 3, works: 0, done: 2, refused: 1 })
  })

  it('takes what is thrown for a refusal', async () => {
    const steps: Step[] = ['waits']
    await work(
      ['it'],
      () => Promise.reject(new Error('torn')),
      (index, step) => {
        steps[index] = step
      },
    )
    expect(steps).toEqual([{ is: 'refused', sentence: 'Error: torn', broken: true }])
  })
})

describe('a choice', () => {
  it('is parted into what fits and what does not, with the reasons', () => {
    const { fit, left } = fitting([1, 2, 3], (row) => (row === 2 ? 'it is even' : undefined))
    expect(fit).toEqual([1, 3])
    expect(left).toEqual([{ row: 2, why: 'it is even' }])
  })
})
