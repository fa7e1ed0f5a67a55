import type { Outcome } from './types'

/** How many are under way at once: quick for hundreds, and no burden on a server. */
export const AT_ONCE = 3

export type Step = 'waits' | 'works' | Outcome

/**
 * Does something with each item, few at once, in their order, until all are through, `stopped`
 * says so, or one finds that the others would fare no better. What is under way then is waited
 * for: nobody is left in doubt about it.
 */
export async function work<Item>(
  items: readonly Item[],
  act: (item: Item) => Promise<Outcome>,
  told: (index: number, step: Step) => void,
  stopped: () => boolean = () => false,
): Promise<void> {
  let next = 0
  let broken = false
  const hand = async () => {
    while (next < items.length && !broken && !stopped()) {
      const index = next++
      const item = items[index]
      if (item === undefined) continue
      told(index, 'works')
      let outcome: Outcome
      try {
        // One after the other is what a hand is for.
        // oxlint-disable-next-line no-await-in-loop
        outcome = await act(item)
      } catch (error) {
        outcome = { is: 'refused', sentence: String(error), broken: true }
      }
      if (outcome.is === 'refused' && outcome.broken) broken = true
      told(index, outcome)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, hand))
}

export interface Tally {
  waits: number
  works: number
  done: number
  refused: number
}

export function tally(steps: readonly Step[]): Tally {
  const found: Tally = { waits: 0, works: 0, done: 0, refused: 0 }
  for (const step of steps) found[typeof step === 'string' ? step : step.is] += 1
  return found
}

/** Parts a choice into what an action fits and what it does not, with the reasons. */
export function fitting<Row>(rows: readonly Row[], unfit: ((row: Row) => string | undefined) | undefined) {
  const fit: Row[] = []
  const left: { row: Row; why: string }[] = []
  for (const row of rows) {
    const why = unfit?.(row)
    if (why === undefined) fit.push(row)
    else left.push({ row, why })
  }
  return { fit, left }
}
