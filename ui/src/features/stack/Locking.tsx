import { useState } from 'react'
import { useMutation, type CombinedError } from 'urql'

import { graphql } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { useSession } from '~/graphql/session'
import { Button, Confirm, Group, Modal, Stack, Text, Textarea, tell } from '~/ui'

import type { StackHead } from './here'

const LockMutation = graphql(`
  mutation LockStack($id: ID!, $note: String) {
    stackLock(id: $id, note: $note) {
      id
      lockedBy
    }
  }
`)

const UnlockMutation = graphql(`
  mutation UnlockStack($id: ID!) {
    stackUnlock(id: $id) {
      id
      lockedBy
    }
  }
`)

interface Asking {
  stack: StackHead
  opened: boolean
  onClose: () => void
}

/** Asks what the lock is for, and takes it. */
export function LockStack({ stack, opened, onClose }: Asking) {
  const [note, setNote] = useState('')
  const [{ fetching }, lock] = useMutation(LockMutation)
  const [error, setError] = useState<CombinedError>()
  return (
    <Modal opened={opened} onClose={onClose} title="Lock this stack?" centered>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void lock({ id: stack.id, note: note.trim() || null }).then((result) => {
            setError(result.error)
            if (result.error) return
            setNote('')
            onClose()
            tell('The stack is locked: only you can change it now')
          })
        }}
      >
        <Stack gap="md">
          <Text size="sm">
            Only you can start runs and tasks until it is unlocked. Runs that wait stay where they are, previews
            run, and no plan is applied by itself.
          </Text>
          <Textarea
            label="Note"
            description="Everybody who meets the lock reads it"
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
            autosize
            minRows={2}
            data-autofocus
          />
          {error && <Refused title="The stack is not locked" error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Back
            </Button>
            <Button type="submit" loading={fetching}>
              Lock
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** Asks whether the lock may go, and says what begins when it does. */
export function UnlockStack({ stack, opened, onClose }: Asking) {
  const { viewer } = useSession()
  const [{ fetching }, unlock] = useMutation(UnlockMutation)
  const [error, setError] = useState<CombinedError>()
  const system = stack.lockedBy === 'system'
  return (
    <Confirm
      opened={opened}
      title="Unlock this stack?"
      verb="Unlock"
      dangerous={stack.lockedBy !== viewer.login}
      busy={fetching}
      onClose={onClose}
      onConfirm={() =>
        void unlock({ id: stack.id }).then((result) => {
          setError(result.error)
          if (result.error) return
          onClose()
          tell('The stack is unlocked')
        })
      }
    >
      <Stack gap="sm">
        <Text size="sm">
          {system
            ? 'Nobody knows how far its last run came. By unlocking you say that somebody has compared the state with the infrastructure.'
            : stack.lockedBy === viewer.login
              ? 'Everybody can start runs again.'
              : `${stack.lockedBy ?? 'Somebody'} locked it and may be in the middle of something. Everybody can start runs again.`}{' '}
          Runs that wait begin at once.
        </Text>
        {error && <Refused title="The stack stays locked" error={error} />}
      </Stack>
    </Confirm>
  )
}
