/** How long a run was in each phase of its life, from its history. */

export const PHASES = ['waited', 'prepared', 'planned', 'decided', 'applied'] as const
export type Phase = (typeof PHASES)[number]

const PHASE_OF: Partial<Record<string, Phase>> = {
  QUEUED: 'waited',
  READY: 'waited',
  CONFIRMED: 'waited',
  REPLAN_REQUESTED: 'waited',
  PREPARING: 'prepared',
  INITIALIZING: 'prepared',
  PREPARING_REPLAN: 'prepared',
  PREPARING_APPLY: 'prepared',
  PLANNING: 'planned',
  UNCONFIRMED: 'decided',
  PENDING_REVIEW: 'decided',
  APPLYING: 'applied',
  DESTROYING: 'applied',
  PERFORMING: 'applied',
}

export type Durations = Record<Phase, number>

/** Seconds by phase; the history may be in either order. */
export function durations(history: readonly { state: string; timestamp: number }[]): Durations {
  const found: Durations = { waited: 0, prepared: 0, planned: 0, decided: 0, applied: 0 }
  const newestFirst = (history[0]?.timestamp ?? 0) > (history.at(-1)?.timestamp ?? 0)
  const moves = newestFirst || history.at(-1)?.state === 'QUEUED' ? history.toReversed() : [...history]
  moves.forEach((move, n) => {
    const phase = PHASE_OF[move.state]
    const next = moves[n + 1]
    if (phase && next) found[phase] += Math.max(0, next.timestamp - move.timestamp)
  })
  return found
}

export function total(of: Durations, phases: readonly Phase[] = PHASES): number {
  return phases.reduce((sum, phase) => sum + of[phase], 0)
}

/** The value below which a share of the values lie, by nearest rank; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const ordered = values.toSorted((a, b) => a - b)
  return ordered[Math.max(0, Math.ceil(share * ordered.length) - 1)] ?? 0
}

/** Round marks of an axis from 0 to at least `most` seconds: 3 to 6 of them. */
export function marks(most: number): number[] {
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400]
  const step = STEPS.find((one) => most / one <= 5) ?? Math.ceil(most / 5 / 86_400) * 86_400
  const count = Math.max(1, Math.ceil(most / step))
  return Array.from({ length: count + 1 }, (_, n) => n * step)
}
