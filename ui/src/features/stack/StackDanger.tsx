import { useState, type ReactNode } from 'react'
import { useNavigate } from 'react-router'
import { useMutation, type CombinedError } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { Refused } from '~/graphql/Refused'
import { useSession } from '~/graphql/session'
import { to } from '~/lib/paths'
import { Action, Code, Confirm, Group, Paper, Stack, Text, Title, When, tell, warn } from '~/ui'

import { DeleteStack } from './DeleteStack'
import { lacking, useStack } from './here'
import { LockStack, UnlockStack } from './Locking'

const DisableMutation = graphql(`
  mutation DisableStack($id: ID!) {
    stackDisable(id: $id) {
      id
      isDisabled
    }
  }
`)

const EnableMutation = graphql(`
  mutation EnableStack($id: ID!) {
    stackEnable(id: $id) {
      id
      isDisabled
    }
  }
`)

const ReslugMutation = graphql(`
  mutation ReslugStack($id: ID!) {
    stackReslug(id: $id) {
      id
    }
  }
`)

/** What keeps others away from the stack, and what cannot be undone. */
export default function StackDanger() {
  return (
    <Stack gap="sm" maw={820}>
      <Lock />
      <Disable />
      <Reslug />
      <Delete />
    </Stack>
  )
}

function Row(props: {
  title: string
  children: ReactNode
  action: ReactNode
  /** Why not now. */
  why?: string | undefined
  red?: true
}) {
  return (
    <Paper
      withBorder
      p="md"
      component="section"
      aria-label={props.title}
      {...(props.red ? { style: { borderColor: 'var(--mantine-color-red-outline)' } } : {})}
    >
      <Group justify="space-between" align="center" gap="sm">
        <div style={{ flex: '1 1 280px' }}>
          <Title order={2} size="md">
            {props.title}
          </Title>
          <Text size="sm" c="dimmed" component="div">
            {props.children}
          </Text>
          {props.why && (
            <Text size="sm" mt={4}>
              {props.why}
            </Text>
          )}
        </div>
        {props.action}
      </Group>
    </Paper>
  )
}

function Lock() {
  const stack = useStack()
  const { viewer } = useSession()
  const [asking, setAsking] = useState(false)
  const close = () => setAsking(false)
  if (stack.lockedBy) {
    const mine = stack.lockedBy === viewer.login
    return (
      <Row
        title="Locked"
        action={
          <Action
            variant="default"
            why={lacking(stack, mine ? 'STACK_UNLOCK' : 'STACK_UNLOCK_FORCE')}
            onClick={() => setAsking(true)}
          >
            Unlock
          </Action>
        }
      >
        By {mine ? 'you' : stack.lockedBy}, <When at={stack.lockedAt} />
        {stack.lockNote && `: ${stack.lockNote}`}
        <UnlockStack stack={stack} opened={asking} onClose={close} />
      </Row>
    )
  }
  return (
    <Row
      title="Lock"
      action={
        <Action variant="default" why={lacking(stack, 'STACK_LOCK')} onClick={() => setAsking(true)}>
          Lock
        </Action>
      }
    >
      For work by hand: nobody but you changes anything with it meanwhile.
      <LockStack stack={stack} opened={asking} onClose={close} />
    </Row>
  )
}

function Disable() {
  const stack = useStack()
  const [asking, setAsking] = useState(false)
  const [enabling, enable] = useMutation(EnableMutation)
  const [disabling, disable] = useMutation(DisableMutation)
  const [error, setError] = useState<CombinedError>()
  if (stack.isDisabled) {
    return (
      <Row
        title="Disabled"
        action={
          <Action
            variant="default"
            loading={enabling.fetching}
            why={lacking(stack, 'STACK_ENABLE')}
            onClick={() =>
              void enable({ id: stack.id }).then((result) => {
                if (result.error) warn('The stack stays disabled', problemOf(result.error))
                else tell('The stack takes runs again')
              })
            }
          >
            Enable
          </Action>
        }
      >
        It takes no new runs, previews or tasks.
      </Row>
    )
  }
  return (
    <Row
      title="Disable"
      action={
        <Action variant="default" why={lacking(stack, 'STACK_DISABLE')} onClick={() => setAsking(true)}>
          Disable
        </Action>
      }
    >
      It takes no new runs, previews or tasks, from nobody, until it is enabled again.
      <Confirm
        opened={asking}
        title="Disable this stack?"
        verb="Disable"
        busy={disabling.fetching}
        onClose={() => setAsking(false)}
        onConfirm={() =>
          void disable({ id: stack.id }).then((result) => {
            setError(result.error)
            if (result.error) return
            setAsking(false)
            tell('The stack is disabled')
          })
        }
      >
        <Stack gap="sm">
          <Text size="sm">
            Runs under way go on to their end. New ones are refused, those of pushes and schedules too.
          </Text>
          {error && <Refused title="The stack stays enabled" error={error} />}
        </Stack>
      </Confirm>
    </Row>
  )
}

function Reslug() {
  const stack = useStack()
  const go = useNavigate()
  const [asking, setAsking] = useState(false)
  const [{ fetching }, reslug] = useMutation(ReslugMutation)
  const [error, setError] = useState<CombinedError>()
  return (
    <Row
      title="Change the id"
      action={
        <Action variant="default" why={lacking(stack, 'STACK_RESLUG')} onClick={() => setAsking(true)}>
          Change the id
        </Action>
      }
    >
      The id is <Code>{stack.id}</Code> since the stack was made, whatever its name has become. It can be made anew
      from the name. The name itself is in the settings.
      <Confirm
        opened={asking}
        title="Make the id anew from the name?"
        verb="Change the id"
        dangerous
        busy={fetching}
        onClose={() => setAsking(false)}
        onConfirm={() =>
          void reslug({ id: stack.id }).then(({ data, error: refused }) => {
            setError(refused)
            if (!data) return
            setAsking(false)
            const { id } = data.stackReslug
            tell(id === stack.id ? 'The id fits the name already' : `The id is ${id} now`)
            if (id !== stack.id) void go(to.stackTab(id, 'danger'), { replace: true })
          })
        }
      >
        <Stack gap="sm">
          <Text size="sm">
            Links to <Code>{stack.id}</Code> lead nowhere afterwards, and clients, backends and code that name it have
            to be changed. Settings, state and history go along.
          </Text>
          {error && <Refused title="The id stays" error={error} />}
        </Stack>
      </Confirm>
    </Row>
  )
}

function Delete() {
  const stack = useStack()
  const [asking, setAsking] = useState(false)
  const why =
    lacking(stack, 'STACK_DELETE') ??
    (stack.protectFromDeletion
      ? 'The stack is protected from deletion. Switch that off in the settings first.'
      : undefined) ??
    (stack.deleting ? 'It is being deleted already.' : undefined) ??
    (stack.blocker ? 'A run holds the stack. Wait for it, discard it or stop it first.' : undefined)
  return (
    <Row
      title="Delete"
      red
      why={why}
      action={
        <Action color="red" why={why} onClick={() => setAsking(true)}>
          Delete
        </Action>
      }
    >
      Ends the stack, and with it what it manages, if you say so.
      {asking && <DeleteStack stack={stack} onClose={() => setAsking(false)} />}
    </Row>
  )
}
