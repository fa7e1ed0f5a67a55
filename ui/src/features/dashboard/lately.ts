/** Days: what failed before has been seen, or does not matter any more. */
export const LATELY_DAYS = 7

/** The runs that moved last within the days that are called lately; times are Unix seconds. */
export function failedLately<Found extends { run: { updatedAt: number } }>(runs: readonly Found[], now: number): Found[] {
  return runs.filter(({ run }) => run.updatedAt > now - LATELY_DAYS * 24 * 3600)
}
