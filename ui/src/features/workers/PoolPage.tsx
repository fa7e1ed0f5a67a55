import { useState, type ReactNode } from 'react'
import { Link, useParams } from 'react-router'

import { graphql, readFragment, type FragmentOf } from '~/graphql/gql'
import { useLiveQuery } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { useView } from '~/list/view'
import { Anchor, Card, Coming, Empty, Facts, Group, Labels, Stack, Text, Title, Trouble, When } from '~/ui'

import { QueueFields, WorkerFields } from './fields'
import { loadOf } from './load'
import { Load } from './LoadBar'
import { PoolActions } from './PoolActions'
import { Queue } from './Queue'
import { StartWorkers } from './StartWorkers'
import { WorkerTable, type WorkerRow } from './WorkerTable'

const PoolQuery = graphql(
  `
    query Pool($id: ID!, $queue: SearchInput!) {
      workerPool(id: $id) {
        id
        name
        description
        labels
        config
        createdAt
        updatedAt
        driftDetectionRunLimit
        pendingRuns
        spaceDetails {
          id
          name
        }
        workers {
          ...WorkerFields
        }
        searchSchedulableRuns(input: $queue) {
          ...QueueFields
        }
      }
    }
  `,
  [WorkerFields, QueueFields],
)

const PublicQuery = graphql(
  `
    query PublicPool($queue: SearchInput!) {
      publicWorkerPool {
        id
        parallelism
        pendingRuns
        workers {
          ...WorkerFields
        }
        searchSchedulableRuns(input: $queue) {
          ...QueueFields
        }
      }
    }
  `,
  [WorkerFields, QueueFields],
)

/** Runs of a queue on one page: as many as one looks through. */
const PAGE = 50

function useQueuePage() {
  const looking = useView()
  return { looking, queue: { first: PAGE, after: looking.view.cursors.at(-1) ?? null } }
}

/** A pool: its workers and what they hold, what waits for them and why, and what can be done. */
export default function PoolPage() {
  const { poolId = '' } = useParams()
  return poolId === 'public' ? <PublicPool /> : <PrivatePool id={poolId} />
}

function PrivatePool({ id }: { id: string }) {
  const { looking, queue } = useQueuePage()
  const { data, error, again } = useLiveQuery(PoolQuery, { id, queue }, (found) =>
    found?.workerPool ? [`queue:${id}`] : [],
  )
  const [starting, setStarting] = useState(false)
  if (error && !data) {
    return <Trouble title="The pool could not be loaded" {...problemOf(error)} />
  }
  if (!data) return <Coming height={420} />
  const pool = data.workerPool
  if (!pool) {
    return (
      <>
        <Title order={1}>Worker pool</Title>
        <Empty title="There is no such worker pool" action={<AllWorkers />}>
          It was deleted, or is in a space that you may not see.
        </Empty>
      </>
    )
  }
  const workers = pool.workers.map((one) => readFragment(WorkerFields, one))
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        <AllWorkers />
        <Group justify="space-between" align="flex-start">
          <div>
            <Title order={1}>{pool.name}</Title>
            {pool.description && <Text c="dimmed">{pool.description}</Text>}
          </div>
          <PoolActions pool={pool} workers={workers} onChange={again} />
        </Group>
      </Stack>
      <Card withBorder>
        <Facts
          facts={[
            ['Load', <Load key="load" load={loadOf(workers)} />],
            ['Runs waiting', pool.pendingRuns],
            ['Id', <code key="id">{pool.id}</code>],
            [
              'Space',
              <Anchor key="space" component={Link} to={to.space(pool.spaceDetails.id)} inherit>
                {pool.spaceDetails.name}
              </Anchor>,
            ],
            ['Labels', pool.labels.length > 0 ? <Labels key="labels" labels={pool.labels} /> : null],
            ['Drift checks at a time', pool.driftDetectionRunLimit ?? null],
            ['Made', <When key="made" at={pool.createdAt} />],
          ]}
        />
      </Card>
      <Contents workers={workers} pool={pool.id} queue={pool.searchSchedulableRuns} looking={looking}>
        {pool.config === '' ? (
          <Text size="sm" c="dimmed">
            Whoever may change the pool sees here how its workers are started.
          </Text>
        ) : (
          <details
            open={starting || workers.length === 0}
            onToggle={(event) => setStarting(event.currentTarget.open)}
          >
            <summary>How to start a worker</summary>
            <Card withBorder mt="sm">
              <StartWorkers pool={pool.name} token={pool.config} />
            </Card>
          </details>
        )}
      </Contents>
    </Stack>
  )
}

function PublicPool() {
  const { looking, queue } = useQueuePage()
  const { data, error } = useLiveQuery(PublicQuery, { queue }, (found) =>
    found?.publicWorkerPool.id ? [`queue:${found.publicWorkerPool.id}`] : [],
  )
  if (error && !data) {
    return <Trouble title="The pool could not be loaded" {...problemOf(error)} />
  }
  if (!data) return <Coming height={420} />
  const pool = data.publicWorkerPool
  if (!pool.id) {
    return (
      <>
        <Title order={1}>Built-in pool</Title>
        <Empty title="This installation has no built-in worker" action={<AllWorkers />}>
          <code>gantry up</code> brings one. Installations of several processes run their stacks on
          pools of their own.
        </Empty>
      </>
    )
  }
  const workers = pool.workers.map((one) => readFragment(WorkerFields, one))
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        <AllWorkers />
        <Title order={1}>Built-in pool</Title>
        <Text c="dimmed">
          For stacks that name no other pool. Its worker runs on the machine of the installation, and
          starts and ends with it.
        </Text>
      </Stack>
      <Card withBorder>
        <Facts
          facts={[
            ['Load', <Load key="load" load={loadOf(workers)} />],
            ['Runs waiting', pool.pendingRuns],
            ['Runs at a time', pool.parallelism],
            ['Id', <code key="id">{pool.id}</code>],
          ]}
        />
      </Card>
      <Contents workers={workers} pool={undefined} queue={pool.searchSchedulableRuns} looking={looking} />
    </Stack>
  )
}

function Contents(props: {
  workers: readonly WorkerRow[]
  pool: string | undefined
  queue: FragmentOf<typeof QueueFields>
  looking: ReturnType<typeof useView>
  children?: ReactNode
}) {
  return (
    <>
      <Stack component="section" gap="sm">
        <Title order={2}>Workers</Title>
        <WorkerTable workers={props.workers} pool={props.pool} />
        {props.children}
      </Stack>
      <Stack component="section" gap="sm">
        <Title order={2}>Queue</Title>
        <Queue queue={props.queue} looking={props.looking} />
      </Stack>
    </>
  )
}

function AllWorkers() {
  return (
    <Anchor component={Link} to={to.workers()} size="sm">
      All workers
    </Anchor>
  )
}
