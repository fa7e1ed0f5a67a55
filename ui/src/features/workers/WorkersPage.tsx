import { IconPlus } from '@tabler/icons-react'
import { Link, useNavigate } from 'react-router'

import { graphql, type ResultOf } from '~/graphql/gql'
import { useLiveQuery, type Topic } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { lacking, useRights } from '~/graphql/rights'
import { to } from '~/lib/paths'
import { asked, narrowed } from '~/list/asked'
import { Listing, type Column } from '~/list/Listing'
import { NoneFit } from '~/list/NoneFit'
import { useView } from '~/list/view'
import { Action, Anchor, Card, Coming, Empty, Group, Labels, Stack, Text, Title, Trouble, When } from '~/ui'

import { Load } from './LoadBar'
import { loadOf } from './load'

const PoolsQuery = graphql(`
  query Pools($input: SearchInput!) {
    searchWorkerPools(input: $input) {
      edges {
        node {
          id
          name
          description
          labels
          spaceDetails {
            id
            name
          }
          createdAt
          pendingRuns
          workers {
            id
            status
            busy
            drained
            leaving
          }
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
    publicWorkerPool {
      id
      pendingRuns
      busyWorkers
      parallelism
      workers {
        id
        status
        busy
        drained
        leaving
      }
    }
  }
`)

type Data = ResultOf<typeof PoolsQuery>
type Row = Data['searchWorkerPools']['edges'][number]['node']

const COLUMNS: readonly Column<Row>[] = [
  {
    key: 'name',
    title: 'Pool',
    order: 'name',
    cell: (pool) => (
      <div>
        <Anchor component={Link} to={to.pool(pool.id)} fw={600}>
          {pool.name}
        </Anchor>
        {pool.description && (
          <Text size="xs" c="dimmed" lineClamp={1}>
            {pool.description}
          </Text>
        )}
      </div>
    ),
  },
  { key: 'load', title: 'Load', cell: (pool) => <Load load={loadOf(pool.workers)} /> },
  {
    key: 'idle',
    title: 'Idle',
    number: true,
    cell: (pool) => loadOf(pool.workers).idle,
  },
  {
    key: 'waiting',
    title: 'Runs waiting',
    number: true,
    cell: (pool) => (
      <Text size="sm" {...(pool.pendingRuns > 0 ? { fw: 600 } : { c: 'dimmed' })}>
        {pool.pendingRuns}
      </Text>
    ),
  },
  {
    key: 'labels',
    title: 'Labels',
    cell: (pool) => <Labels labels={pool.labels} />,
  },
  { key: 'space', title: 'Space', cell: (pool) => <Text size="sm">{pool.spaceDetails.name}</Text> },
  {
    key: 'created',
    title: 'Created',
    order: 'createdAt',
    extra: true,
    cell: (pool) => <When at={pool.createdAt} />,
  },
]

/** Every pool, how busy it is, and what waits for it. */
export default function WorkersPage() {
  const looking = useView()
  const rights = useRights()
  const go = useNavigate()
  const { data, error } = useLiveQuery(PoolsQuery, { input: asked(looking.view) }, topicsOf)
  const rows = data?.searchWorkerPools.edges.map((edge) => edge.node)
  const create = (
    <Action
      leftSection={<IconPlus size={16} aria-hidden />}
      why={lacking(rights, 'WORKER_POOL_CREATE')}
      onClick={() => void go(to.newPool())}
    >
      Create worker pool
    </Action>
  )
  return (
    <Stack gap="md">
      <div>
        <Title order={1}>Workers</Title>
        <Text c="dimmed">Workers carry runs out. Those of a pool share a key, and one queue.</Text>
      </div>
      {error && <Trouble title="The workers could not be loaded" {...problemOf(error)} />}
      <BuiltIn pool={data?.publicWorkerPool} />
      <Listing
        name="Worker pools"
        hint="Name, description"
        columns={COLUMNS}
        rows={rows}
        keyOf={(pool) => pool.id}
        nameOf={(pool) => pool.name}
        looking={looking}
        page={data?.searchWorkerPools.pageInfo}
        aside={create}
        empty={
          narrowed(looking.view) ? (
            <NoneFit title="No pool fits" looking={looking}>
              Other words may find it.
            </NoneFit>
          ) : (
            <Empty title="No pool of your own yet" action={create}>
              A pool of your own keeps credentials on machines that you choose, and runs as many workers
              as you start there.
            </Empty>
          )
        }
      />
    </Stack>
  )
}

function BuiltIn({ pool }: { pool: Data['publicWorkerPool'] | undefined }) {
  if (!pool) return <Coming height={64} />
  if (!pool.id) return null
  const load = loadOf(pool.workers)
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between">
        <div>
          <Anchor component={Link} to={to.publicPool()} fw={600}>
            Built-in pool
          </Anchor>
          <Text size="xs" c="dimmed">
            For stacks that name no other. It comes and goes with the installation.
          </Text>
        </div>
        <Group gap="lg">
          <Load load={load} />
          <Text size="sm">
            {pool.pendingRuns} {pool.pendingRuns === 1 ? 'run waits' : 'runs wait'}
          </Text>
        </Group>
      </Group>
    </Card>
  )
}

function topicsOf(data: Data | undefined): Topic[] {
  if (!data) return []
  const own = data.publicWorkerPool.id
  return [
    'account', // pools come and go
    ...(own ? [`queue:${own}` as const] : []),
    ...data.searchWorkerPools.edges.map((edge): Topic => `queue:${edge.node.id}`),
  ]
}
