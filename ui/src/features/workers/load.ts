interface Worker {
  busy: boolean
  drained: boolean
  leaving: boolean
}

/** Who of a pool's workers does what. Those that leave or are drained take no new runs. */
export interface PoolLoad {
  all: number
  busy: number
  idle: number
  away: number
}

export function loadOf(workers: readonly Worker[]): PoolLoad {
  const busy = workers.filter((one) => one.busy).length
  const idle = workers.filter((one) => !one.busy && !one.drained && !one.leaving).length
  return { all: workers.length, busy, idle, away: workers.length - busy - idle }
}

/** The load in words: "2 of 3 busy". */
export function loadWords(load: PoolLoad): string {
  if (load.all === 0) return 'no worker'
  const away = load.away > 0 ? `, ${load.away} drained` : ''
  return `${load.busy} of ${load.all} busy${away}`
}
