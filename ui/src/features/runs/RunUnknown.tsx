import { IconAlertOctagon } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { Action, Alert, Anchor, Confirm, Group, List, Text, tell, warn } from '~/ui'

const UnlockStack = graphql(`
  mutation UnlockAfterUnknown($stack: ID!) {
    stackUnlock(id: $stack) { id lockedBy }
  }
`)
const PreviewStack = graphql(`
  mutation PreviewAfterUnknown($stack: ID!) {
    runTrigger(stack: $stack, runType: PROPOSED) { id }
  }
`)

interface UnknownProps {
  stack: { id: string; name: string; lockedBy: string | null }
  run: string
  /** The phase in which the worker was lost. */
  lost: number | undefined
  reason: string | null
}

/** Nobody knows how far a run came: says so as loudly as it deserves, what is known, and what to do. */
export function RunUnknown({ stack, run, lost, reason }: UnknownProps) {
  const [asking, setAsking] = useState(false)
  const [unlocking, unlock] = useMutation(UnlockStack)
  const [previewing, preview] = useMutation(PreviewStack)
  const go = useNavigate()
  const ours = stack.lockedBy === 'system'

  const look = async () => {
    const { data, error } = await preview({ stack: stack.id })
    if (error) return warn('No preview was started', problemOf(error))
    return data && go(to.run(stack.id, data.runTrigger.id))
  }
  const acknowledge = async () => {
    const { error } = await unlock({ stack: stack.id })
    setAsking(false)
    if (error) warn('The stack stays locked', problemOf(error))
    else tell('The stack is unlocked', 'Runs that wait for it start now.')
  }

  return (
    <Alert
      color="red"
      role="alert"
      title="Outcome unknown: nobody knows how far this run came"
      icon={<IconAlertOctagon aria-hidden />}
      styles={{ root: { borderWidth: 3, borderColor: 'var(--mantine-color-red-7)' }, title: { fontSize: '1.05rem' } }}
    >
      <Text size="sm">
        Its worker was lost while it may have been changing infrastructure. Some of the changes may have
        been made, and the state may not know of them.
      </Text>
      <Text size="sm" mt="xs" fw={600}>
        What is known
      </Text>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {reason ?? 'Nothing more than that.'}{' '}
        {lost !== undefined && (
          <Anchor component={Link} to={`${to.run(stack.id, run)}?log=${lost}`} size="sm" c="inherit" underline="always">
            Read the end of its log
          </Anchor>
        )}
      </Text>
      <Text size="sm" mt="xs" fw={600}>
        What to do
      </Text>
      <List type="ordered" size="sm">
        <List.Item>
          Look at the infrastructure itself, and compare it with the newest state. A preview compares, and
          changes nothing; it runs on a locked stack too.
        </List.Item>
        <List.Item>
          Mend what differs: import what the state does not know, or remove what is half made. The{' '}
          <Anchor component={Link} to={to.stackTab(stack.id, 'state')} size="sm" c="inherit" underline="always">
            state history
          </Anchor>{' '}
          keeps every earlier state.
        </List.Item>
        <List.Item>
          {ours
            ? 'Then say so: unlock the stack, and runs may change it again.'
            : stack.lockedBy
              ? `The stack is locked by ${stack.lockedBy} now, who goes on from here.`
              : 'Somebody has looked and unlocked the stack. The next run goes on from the newest state.'}
        </List.Item>
      </List>
      <Group gap="xs" mt="sm">
        <Action variant="default" loading={previewing.fetching} onClick={() => void look()}>
          Start a preview
        </Action>
        <Action
          color="red"
          why={
            ours
              ? undefined
              : stack.lockedBy
                ? `Only ${stack.lockedBy}, or whoever may force it, takes that lock away: on the stack's page.`
                : 'The stack is not locked any more.'
          }
          onClick={() => setAsking(true)}
        >
          I have looked: unlock the stack
        </Action>
      </Group>
      <Confirm
        opened={asking}
        title={`Unlock ${stack.name}?`}
        verb="Unlock"
        dangerous
        busy={unlocking.fetching}
        onClose={() => setAsking(false)}
        onConfirm={() => void acknowledge()}
      >
        <Text size="sm">
          You say that you know what this run has changed. Runs may change the stack again, and the first
          that waits starts at once; what is not in the state may be made a second time.
        </Text>
      </Confirm>
    </Alert>
  )
}
