import { IconLock } from '@tabler/icons-react'
import { Link } from 'react-router'

import { to } from '~/lib/paths'
import type { Column } from '~/list/Listing'
import { StateBadge } from '~/runs/RunState'
import { Star } from '~/star/Star'
import { Anchor, Badge, Group, Labels, Text, When } from '~/ui'

import type { Row } from './list'

/** As many labels as are shown; the others are counted. */
const LABELS = 4

export const COLUMNS: readonly Column<Row>[] = [
  { key: 'name', title: 'Stack', order: 'name', cell: (stack) => <Name stack={stack} /> },
  {
    key: 'state',
    title: 'State',
    order: 'state',
    cell: (stack) =>
      stack.blocker ? (
        <Anchor component={Link} to={to.run(stack.id, stack.blocker.id)} underline="never">
          <StateBadge state={stack.state} />
        </Anchor>
      ) : (
        <StateBadge state={stack.state} />
      ),
  },
  { key: 'since', title: 'Since', order: 'stateSetAt', cell: (stack) => <When at={stack.stateSetAt} /> },
  {
    key: 'commit',
    title: 'Commit',
    cell: (stack) =>
      stack.trackedCommit && (
        <Text size="sm" lineClamp={1} title={stack.trackedCommit.message}>
          <code>{stack.trackedCommit.hash.slice(0, 8)}</code> {stack.trackedCommit.message.split('\n')[0]}
        </Text>
      ),
  },
  {
    key: 'source',
    title: 'Source',
    extra: true,
    cell: (stack) => (
      <Text size="sm">
        {[stack.namespace, stack.repository].filter(Boolean).join('/')}
        {stack.projectRoot ? ` · ${stack.projectRoot}` : ''}
      </Text>
    ),
  },
  { key: 'branch', title: 'Branch', extra: true, cell: (stack) => <code>{stack.branch}</code> },
  { key: 'labels', title: 'Labels', cell: (stack) => <Labels labels={stack.labels} most={LABELS} /> },
  { key: 'space', title: 'Space', cell: (stack) => <Text size="sm">{stack.spaceDetails.name}</Text> },
  {
    key: 'pool',
    title: 'Worker pool',
    extra: true,
    cell: (stack) =>
      stack.workerPool ? (
        <Anchor component={Link} to={to.pool(stack.workerPool.id)} size="sm">
          {stack.workerPool.name}
        </Anchor>
      ) : (
        <Text size="sm">public</Text>
      ),
  },
  {
    key: 'created',
    title: 'Created',
    order: 'createdAt',
    extra: true,
    cell: (stack) => <When at={stack.createdAt} />,
  },
]

function Name({ stack }: { stack: Row }) {
  return (
    <Group gap={6} wrap="nowrap">
      <Star stack={stack} small />
      <div>
        <Group gap={6}>
          <Anchor component={Link} to={to.stack(stack.id)} fw={600} size="sm">
            {stack.name}
          </Anchor>
          {stack.lockedBy && (
            <Badge
              size="sm"
              variant="light"
              color="orange"
              leftSection={<IconLock size={11} aria-hidden />}
              title={`Locked by ${stack.lockedBy}${stack.lockNote ? `: ${stack.lockNote}` : ''}`}
            >
              locked
            </Badge>
          )}
          {stack.isDisabled && (
            <Badge size="sm" variant="light" color="gray" title="It takes no runs">
              disabled
            </Badge>
          )}
        </Group>
        {stack.description && (
          <Text size="xs" c="dimmed" lineClamp={1}>
            {stack.description}
          </Text>
        )}
      </div>
    </Group>
  )
}
