import { Link } from 'react-router'
import { useMutation } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { lacking, useRights } from '~/graphql/rights'
import { to } from '~/lib/paths'
import { StateBadge } from '~/runs/RunState'
import { Action, Anchor, Badge, Group, Stack, Table, Text, Took, VisuallyHidden, When, tell, warn } from '~/ui'

import type { WorkerFields } from './fields'

const DrainMutation = graphql(`
  mutation Drain($pool: ID!, $id: ID!, $drain: Boolean!) {
    workerDrainSet(workerPool: $pool, id: $id, drain: $drain) {
      id
      drained
      busy
      status
    }
  }
`)

export type WorkerRow = ResultOf<typeof WorkerFields>

/** The workers that are there, and what each holds. Without `pool`, they cannot be drained here. */
export function WorkerTable({ workers, pool }: { workers: readonly WorkerRow[]; pool: string | undefined }) {
  if (workers.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        No worker is there. Runs wait until one comes.
      </Text>
    )
  }
  return (
    <Table.ScrollContainer minWidth={760} type="native" tabIndex={0}>
      <Table aria-label="Workers" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Worker</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Works on</Table.Th>
            <Table.Th>Release</Table.Th>
            <Table.Th>Connected</Table.Th>
            <Table.Th>Last heard</Table.Th>
            <Table.Th>
              <VisuallyHidden>What can be done</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {workers.map((worker) => (
            <Table.Tr key={worker.id}>
              <Table.Td>
                <code title={worker.id} style={{ whiteSpace: 'nowrap' }}>
                  …{worker.id.slice(-8)}
                </code>
                <Tags metadata={worker.metadata} />
              </Table.Td>
              <Table.Td>
                <Standing worker={worker} />
              </Table.Td>
              <Table.Td>
                <Held worker={worker} />
              </Table.Td>
              <Table.Td>{worker.version || 'unknown'}</Table.Td>
              <Table.Td>
                <When at={worker.createdAt} />
              </Table.Td>
              <Table.Td>
                <When at={worker.lastSeenAt} />
              </Table.Td>
              <Table.Td ta="right">
                <Drain worker={worker} pool={pool} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function Standing({ worker }: { worker: WorkerRow }) {
  return (
    <Group gap={4}>
      {(worker.busy || (!worker.drained && !worker.leaving)) && (
        <Badge variant="light" color={worker.busy ? 'blue' : 'green'}>
          {worker.busy ? 'busy' : 'idle'}
        </Badge>
      )}
      {worker.drained && (
        <Badge variant="outline" color="orange">
          drained
        </Badge>
      )}
      {worker.leaving && (
        <Badge variant="outline" color="gray">
          leaving
        </Badge>
      )}
      {!worker.busy && worker.availableAt !== null && (
        <Text size="xs" c="dimmed">
          for <Took from={worker.availableAt} />
        </Text>
      )}
    </Group>
  )
}

function Held({ worker }: { worker: WorkerRow }) {
  if (!worker.busy) {
    return (
      <Text size="sm" c="dimmed">
        nothing
      </Text>
    )
  }
  return (
    <Stack gap={2}>
      {worker.runs.map(({ run, stackId, stackName }) => (
        <Group key={run.id} gap={6} wrap="nowrap">
          <Anchor component={Link} to={to.run(stackId, run.id)} size="sm">
            {stackName}
          </Anchor>
          <StateBadge state={run.state} />
        </Group>
      ))}
      {worker.runs.length === 0 && (
        <Text size="sm" c="dimmed">
          a run that you may not see
        </Text>
      )}
    </Stack>
  )
}

function Drain({ worker, pool }: { worker: WorkerRow; pool: string | undefined }) {
  const rights = useRights()
  const [{ fetching }, set] = useMutation(DrainMutation)
  const drain = !worker.drained
  const why =
    pool === undefined
      ? 'The built-in worker belongs to the installation: end that to end it.'
      : worker.leaving
        ? 'It leaves by itself as soon as it has finished what it holds.'
        : lacking(rights, 'WORKER_DRAIN_SET')

  async function go() {
    if (pool === undefined) return
    const { data, error } = await set({ pool, id: worker.id, drain })
    if (error) warn('The worker was not changed', problemOf(error))
    else if (!drain) tell('The worker takes runs again')
    else if (data?.workerDrainSet.busy) tell('The worker is drained', 'It finishes what it holds, and takes no new run.')
    else tell('The worker is drained', 'It takes no new run.')
  }

  return (
    <Action
      variant="default"
      size="compact-sm"
      loading={fetching}
      why={why}
      hint={drain ? 'It finishes what it holds and takes no new run.' : 'It takes runs again.'}
      aria-label={`${drain ? 'Drain' : 'Undrain'} worker ${worker.id}`}
      onClick={() => void go()}
    >
      {drain ? 'Drain' : 'Undrain'}
    </Action>
  )
}

/** What the worker says of itself: the names that clouds know its machine by. */
function Tags({ metadata }: { metadata: string }) {
  const tags = Object.entries(JSON.parse(metadata) as Record<string, unknown>)
  if (tags.length === 0) return null
  return (
    <Text size="xs" c="dimmed" lineClamp={2}>
      {tags.map(([name, value]) => `${name}: ${String(value)}`).join(', ')}
    </Text>
  )
}
