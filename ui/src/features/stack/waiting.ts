import { toneOf, type RunStateName } from '~/runs/RunState'

/** States in which a run has a plan that is lost with it. */
const PLANNED: ReadonlySet<string> = new Set(['PENDING_REVIEW', 'UNCONFIRMED', 'REPLAN_REQUESTED', 'CONFIRMED'])

interface Counted {
  value: string
  count: number
}

/** Of unfinished runs, counted by state: how many wait for a worker, a turn or a person, and how many of these have a plan. */
export function waitingOf(states: readonly Counted[]): { runs: number; plans: number } {
  const waiting = states.filter(({ value }) => ['waits', 'asks'].includes(toneOf(value as RunStateName)))
  const sum = (some: readonly Counted[]) => some.reduce((all, { count }) => all + count, 0)
  return { runs: sum(waiting), plans: sum(waiting.filter(({ value }) => PLANNED.has(value))) }
}
