/** Which moves of runs are news, and which have been told. */

export interface Seen {
  id: string
  state: string
}

const TOLD = {
  FINISHED: { words: 'the run has finished', color: 'green', lasts: 7_000 },
  FAILED: { words: 'the run has failed', color: 'red', lasts: 30_000 },
  STOPPED: { words: 'the run was stopped', color: 'gray', lasts: 7_000 },
  UNCONFIRMED: { words: 'a plan waits for a decision', color: 'yellow', lasts: 30_000 },
  PENDING_REVIEW: { words: 'a run waits for a review', color: 'yellow', lasts: 30_000 },
} as const

export type Told = (typeof TOLD)[keyof typeof TOLD]

/** What is said of a run that came into this state; nothing of most. */
export function said(state: string): Told | undefined {
  return Object.hasOwn(TOLD, state) ? TOLD[state as keyof typeof TOLD] : undefined
}

/**
 * The runs that moved to where somebody wants to know of it. `known` is how each was when it was
 * looked at before; on the first look, nothing is new.
 */
export function newsAmong<Run extends Seen>(runs: readonly Run[], known: ReadonlyMap<string, string> | undefined): Run[] {
  if (!known) return []
  return runs.filter((run) => known.get(run.id) !== run.state && said(run.state) !== undefined)
}

/** How the runs are now, those seen before included. */
export function noted(runs: readonly Seen[], known: ReadonlyMap<string, string> | undefined): ReadonlyMap<string, string> {
  return new Map([...(known ?? []), ...runs.map(({ id, state }) => [id, state] as const)])
}
