import { Link } from 'react-router'

import { readFragment, type FragmentOf } from '~/graphql/gql'
import { to } from '~/lib/paths'
import { Listing, type Column } from '~/list/Listing'
import type { useView } from '~/list/view'
import { StateBadge } from '~/runs/RunState'
import { Anchor, Empty, Text, When } from '~/ui'

import { QueueFields } from './fields'

type Row = ReturnType<typeof rowsOf>[number]

/** Short words are read at a glance, and so never broken. */
const WHOLE = { minWidth: 'max-content' }

const COLUMNS: readonly Column<Row>[] = [
  { key: 'position', title: '#', number: true, cell: (row) => row.position },
  {
    key: 'run',
    title: 'Run',
    cell: ({ run, stackId, stackName }) => (
      <div style={{ minWidth: '9rem' }}>
        <Anchor component={Link} to={to.run(stackId, run.id)} fw={600} size="sm">
          {stackName}
        </Anchor>
        <Text size="xs" c="dimmed" lineClamp={1}>
          {run.title}
        </Text>
      </div>
    ),
  },
  { key: 'kind', title: 'Kind', cell: ({ run }) => run.type.toLowerCase() },
  {
    key: 'state',
    title: 'State',
    cell: ({ run }) => (
      <div style={WHOLE}>
        <StateBadge state={run.state} />
      </div>
    ),
  },
  {
    key: 'why',
    title: 'Why',
    cell: ({ run }) => (
      <Text size="sm">{run.condition ? `It ${run.condition.message}.` : ''}</Text>
    ),
  },
  {
    key: 'since',
    title: 'Since',
    cell: ({ run }) => (
      <div style={WHOLE}>
        <When at={run.condition?.since ?? run.createdAt} />
      </div>
    ),
  },
]

/** What the pool's workers do, then what waits for them, in the order in which it will be given out. */
export function Queue(props: {
  queue: FragmentOf<typeof QueueFields>
  looking: ReturnType<typeof useView>
}) {
  const { pageInfo } = readFragment(QueueFields, props.queue)
  return (
    <Listing
      name="Queue"
      columns={COLUMNS}
      rows={rowsOf(props.queue)}
      keyOf={(row) => row.run.id}
      nameOf={(row) => row.run.id}
      looking={props.looking}
      page={pageInfo}
      empty={
        <Empty title="Nothing waits here">
          Runs of stacks that use this pool line up here until a worker takes them.
        </Empty>
      }
    />
  )
}

function rowsOf(queue: FragmentOf<typeof QueueFields>) {
  return readFragment(QueueFields, queue).edges.map((edge) => edge.node)
}
