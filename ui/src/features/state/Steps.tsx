import { IconCircle, IconCircleCheck } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { useMutation } from 'urql'

import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { Action, Anchor, Group, Stack, Text, When, tell, warn } from '~/ui'

import { LockMutation, UnlockMutation, type History, type StackOfState } from './documents'

/** The lock that an unknown outcome took: whoever may force it takes it over. */
const SYSTEM = 'system'

/** One step of several: whether it is done, what it is, and how to do it. */
export function Step(props: { done: boolean; title: string; children?: ReactNode }) {
  const Icon = props.done ? IconCircleCheck : IconCircle
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start" component="li">
      <Text component="span" c={props.done ? 'green' : 'dimmed'} lh={1} mt={2}>
        <Icon size={20} role="img" aria-label={props.done ? 'Done' : 'To do'} />
      </Text>
      <Stack gap={4} flex={1}>
        <Text fw={600} size="sm">
          {props.title}
        </Text>
        {props.children}
      </Stack>
    </Group>
  )
}

export function Steps({ children }: { children: ReactNode }) {
  return (
    <Stack gap="md" component="ol" p={0} m={0} style={{ listStyle: 'none' }} aria-label="Steps">
      {children}
    </Stack>
  )
}

/** What has to be so before a state is replaced: the stack is ours, and no run holds it. */
export function Preparing(props: { stack: StackOfState; history: History; note: string; again: () => void }) {
  const { stack, history } = props
  return (
    <>
      <Step done={history.lockedByYou} title="Lock the stack">
        <Locking {...props} />
      </Step>
      <Step done={!stack.blocker} title="No run holds the stack">
        {stack.blocker ? (
          <Text size="sm">
            <Anchor component={Link} to={to.run(stack.id, stack.blocker.id)} inherit underline="always">
              {stack.blocker.title || 'A run'}
            </Anchor>{' '}
            holds it, and works on the state as it is. Wait for it, discard it or stop it.
          </Text>
        ) : (
          <Text size="sm" c="dimmed">
            None does.
          </Text>
        )}
      </Step>
    </>
  )
}

function Locking(props: { stack: StackOfState; history: History; note: string; again: () => void }) {
  const { stack, history } = props
  const [busy, lock] = useMutation(LockMutation)
  if (history.lockedByYou) {
    return (
      <Text size="sm" c="dimmed">
        You locked it <When at={stack.lockedAt} />. Nobody else&apos;s run starts meanwhile.
      </Text>
    )
  }
  const taken = stack.lockedAt !== null && stack.lockedBy !== SYSTEM
  const take = async () => {
    const { error } = await lock({ stack: stack.id, note: props.note })
    if (error) return warn('The stack was not locked', problemOf(error))
    props.again()
    return tell('The stack is locked by you')
  }
  return (
    <Stack gap={6} align="flex-start">
      <Text size="sm">
        {stack.lockedAt === null
          ? 'Then no run of somebody else meets a state that changes.'
          : `It is locked by ${stack.lockedBy}${stack.lockNote ? `: ${stack.lockNote}` : ''}`}
      </Text>
      <Action
        size="xs"
        loading={busy.fetching}
        onClick={() => void take()}
        why={
          history.changeRefusal ??
          (taken ? `Ask ${stack.lockedBy} to unlock it, or somebody who may force a lock.` : undefined)
        }
      >
        {stack.lockedBy === SYSTEM ? 'Take the lock over' : 'Lock the stack'}
      </Action>
    </Stack>
  )
}

/** The last step: others may go on. */
export function Unlocking(props: { stack: StackOfState; history: History; done: boolean; again: () => void }) {
  const { stack } = props
  const [busy, unlock] = useMutation(UnlockMutation)
  const open = async () => {
    const { error } = await unlock({ stack: stack.id })
    if (error) return warn('The stack is still locked', problemOf(error))
    props.again()
    return tell('The stack is unlocked')
  }
  return (
    <Step done={props.done && stack.lockedAt === null} title="Unlock the stack">
      <Stack gap={6} align="flex-start">
        <Text size="sm" c="dimmed">
          Runs that wait go on then, with the state as it is.
        </Text>
        <Action
          size="xs"
          variant={props.done ? 'filled' : 'default'}
          loading={busy.fetching}
          onClick={() => void open()}
          why={
            stack.lockedAt === null
              ? 'It is not locked.'
              : props.history.lockedByYou
                ? undefined
                : `It is locked by ${stack.lockedBy}.`
          }
        >
          Unlock the stack
        </Action>
      </Stack>
    </Step>
  )
}
