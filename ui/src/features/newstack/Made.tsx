import { IconCircleCheck, IconPlayerPlay } from '@tabler/icons-react'
import { Link, useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { useLiveQuery } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { Action, Button, Card, CheckLine, Coming, Empty, Group, Stack, Text, Title, Trouble } from '~/ui'

import { FirstRun, MadeStackQuery } from './documents'

/** The stack is there: what it needs next is its first run. */
export function Made({ id }: { id: string }) {
  const go = useNavigate()
  const { data, error, again } = useLiveQuery(MadeStackQuery, { id }, () => [`stack:${id}` as const])
  const [state, start] = useMutation(FirstRun)
  const stack = data?.stack

  if (error && !data) return <Trouble title="The stack could not be loaded" {...problemOf(error)} />
  if (!data) return <Coming />
  if (!stack) {
    return (
      <Empty
        title="This stack is not there any more"
        action={
          <Button component={Link} to={to.newStack()}>
            Create another
          </Button>
        }
      />
    )
  }

  const workers = stack.workerPool ? stack.workerPool.workersCount : data.publicWorkerPool.parallelism
  const who = stack.workerPool ? `pool ${stack.workerPool.name}` : 'the public worker'
  const why = stack.blocker
    ? 'Its first run has begun already.'
    : stack.sourceProblem
      ? 'Its code cannot be read. Mend that in the settings first.'
      : undefined
  return (
    <Stack gap="md" maw={640}>
      <Card withBorder p="lg">
        <Stack gap="sm">
          <Group gap="sm" wrap="nowrap" align="flex-start">
            <IconCircleCheck size={28} color="var(--mantine-color-green-filled)" aria-hidden style={{ flex: 'none' }} />
            <Title order={1} style={{ overflowWrap: 'anywhere' }}>
              {stack.name} is made
            </Title>
          </Group>
          {stack.sourceProblem ? (
            <Trouble title="Its code cannot be read now" sentence={stack.sourceProblem} />
          ) : (
            <Text size="sm">
              It follows {stack.branch}
              {stack.trackedCommit
                ? `, now at ${stack.trackedCommit.hash.slice(0, 8)} “${stack.trackedCommit.message.split('\n', 1)[0] ?? ''}”`
                : ''}
              . Nothing has been planned or changed yet.
            </Text>
          )}
          <Text size="sm">
            {stack.autodeploy
              ? 'Its first run plans what the code describes and applies it at once, without asking.'
              : 'Its first run plans what the code describes and changes nothing: the plan waits for you.'}{' '}
            If it needs credentials or variables, set them in the stack&apos;s environment first.
          </Text>
          {workers === 0 && (
            <CheckLine
              standing="WARNING"
              sentence={`No worker of ${who} is here now. The run waits until one is.`}
            />
          )}
          {state.error && <Trouble title="The run could not be started" {...problemOf(state.error)} />}
          <Group mt="xs">
            <Action
              why={why}
              loading={state.fetching}
              leftSection={<IconPlayerPlay size={16} aria-hidden />}
              onClick={() =>
                void start({ stack: stack.id }).then((answer) => {
                  if (answer.data) void go(to.run(stack.id, answer.data.runTrigger.id))
                  else again()
                })
              }
            >
              Start the first run
            </Action>
            <Button variant="default" component={Link} to={stack.blocker ? to.run(stack.id, stack.blocker.id) : to.stack(stack.id)}>
              {stack.blocker ? 'To its run' : 'To the stack'}
            </Button>
          </Group>
        </Stack>
      </Card>
    </Stack>
  )
}
