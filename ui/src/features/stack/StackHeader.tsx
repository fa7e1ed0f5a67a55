import type { ReactNode } from 'react'
import { Link } from 'react-router'

import { to } from '~/lib/paths'
import { StateBadge } from '~/runs/RunState'
import { Star } from '~/star/Star'
import { Anchor, Badge, Code, Group, Labels, Stack, Text, Title, When } from '~/ui'

import type { StackHead } from './here'
import { StackActions } from './StackActions'
import { toolOf } from './tool'

/** Name, state and facts of a stack, and what can be started on it. */
export function StackHeader(props: { stack: StackHead; newestRun: string | undefined; live: boolean }) {
  const { stack } = props
  const badge = <StateBadge state={stack.state} />
  return (
    <Group justify="space-between" align="flex-start" gap="sm">
      <Stack gap={6} miw={0} flex="1 1 420px">
        <Group gap="sm">
          <Star stack={stack} />
          <Title order={1} style={{ overflowWrap: 'anywhere' }}>
            {stack.name}
          </Title>
          {props.newestRun ? (
            <Anchor
              component={Link}
              to={to.run(stack.id, props.newestRun)}
              underline="never"
              aria-label={`To the run: ${stack.state.toLowerCase().replaceAll('_', ' ')}`}
            >
              {badge}
            </Anchor>
          ) : (
            badge
          )}
          {stack.stateSetAt != null && (
            <Text size="sm" c="dimmed">
              <When at={stack.stateSetAt} />
            </Text>
          )}
          {!props.live && (
            <Badge variant="outline" color="orange">
              not live
            </Badge>
          )}
        </Group>
        {stack.description && <Text size="sm">{stack.description}</Text>}
        <Facts stack={stack} />
      </Stack>
      <StackActions stack={stack} />
    </Group>
  )
}

function Facts({ stack }: { stack: StackHead }) {
  const { trackedCommit: commit, trackedBranchHead: head } = stack
  return (
    <Group component="dl" gap="lg" m={0} align="flex-start" style={{ rowGap: 6 }}>
      <Fact name="Branch">
        <Code>{stack.branch}</Code>
        {stack.projectRoot && (
          <Text span size="sm">
            {' '}
            in <Code>{stack.projectRoot}</Code>
          </Text>
        )}
      </Fact>
      <Fact name="Commit">
        {commit ? (
          <Text size="sm" lineClamp={1} maw={560} title={commit.message}>
            <Code>{commit.hash.slice(0, 8)}</Code> {commit.message.split('\n')[0]}
            {commit.authorName && ` · ${commit.authorName}`}
          </Text>
        ) : (
          <Text size="sm">none yet</Text>
        )}
        {commit && head && head.hash !== commit.hash && (
          <Text size="xs" c="dimmed" title={head.message}>
            The branch is at <Code>{head.hash.slice(0, 8)}</Code>; the next run takes what it finds there.
          </Text>
        )}
      </Fact>
      <Fact name="Tool">
        <Text size="sm">{toolOf(stack)}</Text>
      </Fact>
      <Fact name="Workers">
        <Text size="sm">
          {stack.workerPool ? (
            <Anchor component={Link} to={to.pool(stack.workerPool.id)} size="sm">
              {stack.workerPool.name}
            </Anchor>
          ) : (
            'public pool'
          )}
        </Text>
      </Fact>
      <Fact name="Space">
        <Anchor component={Link} to={to.space(stack.spaceDetails.id)} size="sm">
          {stack.spaceDetails.name}
        </Anchor>
      </Fact>
      {stack.labels.length > 0 && (
        <Fact name="Labels">
          <Labels labels={stack.labels} />
        </Fact>
      )}
    </Group>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text component="dt" size="xs" c="dimmed">
        {name}
      </Text>
      <dd style={{ margin: 0 }}>{children}</dd>
    </div>
  )
}
