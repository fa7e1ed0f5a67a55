interface Check {
  what: string
  health: 'GOOD' | 'LOOK' | 'BAD'
  says: string
  remedy: string
}

const WORST_FIRST = ['BAD', 'LOOK', 'GOOD'] as const

/** What is good is told in few words: buckets in one line. What is not comes first, each by itself. */
export function gathered<Found extends Check>(checks: readonly Found[]): Check[] {
  const buckets = checks.filter((check) => check.what.startsWith('bucket ') && check.health === 'GOOD')
  const rest: Check[] = checks.filter((check) => !buckets.includes(check))
  if (buckets.length > 0) {
    rest.push({
      what: 'storage',
      health: 'GOOD',
      says: `${buckets.length} ${buckets.length === 1 ? 'bucket takes and gives' : 'buckets take and give'}, also by URL`,
      remedy: '',
    })
  }
  return rest.toSorted((a, b) => WORST_FIRST.indexOf(a.health) - WORST_FIRST.indexOf(b.health))
}
