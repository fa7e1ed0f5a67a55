import { Link } from 'react-router'

import { to } from '~/lib/paths'
import { Anchor, Group, Progress, Stack, Text } from '~/ui'

import type { Overview } from './overview'

interface Load {
  key: string
  name: string
  path: string
  /** How many can work at a time. */
  able: number
  busy: number
  pending: number
}

/** How busy each pool's workers are, and how many runs wait for one. */
export function Pools({ of }: { of: Overview }) {
  const pools: Load[] = of.workerPools.map((pool) => ({
    key: pool.id,
    name: pool.name,
    path: to.pool(pool.id),
    able: pool.workersCount,
    busy: pool.busyWorkers,
    pending: pool.pendingRuns,
  }))
  const open = of.publicWorkerPool
  if (open.parallelism > 0 || open.pendingRuns > 0) {
    const able = open.parallelism
    pools.push({
      key: 'public',
      name: 'Public worker pool',
      path: to.workers(),
      able,
      busy: Math.min(open.busyWorkers, able),
      pending: open.pendingRuns,
    })
  }
  if (pools.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        No worker is here, so no run can begin.{' '}
        <Anchor component={Link} to={to.workers()} inherit underline="always">
          Make a pool and start one
        </Anchor>
      </Text>
    )
  }
  return (
    <Stack gap="sm">
      {pools.toSorted((a, b) => b.pending - a.pending || b.busy - a.busy).map((pool) => (
        <div key={pool.key}>
          <Group justify="space-between" gap="xs" wrap="nowrap">
            <Anchor component={Link} to={pool.path} size="sm" fw={600} lineClamp={1}>
              {pool.name}
            </Anchor>
            <Text size="xs" c="dimmed" style={{ flex: 'none' }}>
              {said(pool)}
            </Text>
          </Group>
          <Progress
            mt={4}
            value={pool.able > 0 ? (100 * pool.busy) / pool.able : 0}
            color={pool.pending > 0 && pool.busy >= pool.able ? 'orange' : 'gantry'}
            aria-label={`${pool.name}: workers that are busy`}
          />
        </div>
      ))}
    </Stack>
  )
}

function said({ able, busy, pending }: Load): string {
  const waiting = pending > 0 ? `, ${pending} waiting` : ''
  return able === 0 ? `no worker connected${waiting}` : `${busy} of ${able} busy${waiting}`
}
