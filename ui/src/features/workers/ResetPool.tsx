import { useState } from 'react'
import { useMutation } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf, type Problem } from '~/graphql/problem'
import { Action, Alert, Button, Group, Modal, Stack, Text, TextInput, Trouble } from '~/ui'

import { HeldRuns } from './HeldRuns'
import type { Pool } from './PoolActions'
import { firstChoice, keyFor, KeyChooser, keyLacking } from './PoolKey'
import { StartWorkers } from './StartWorkers'
import type { WorkerRow } from './WorkerTable'

const ResetMutation = graphql(`
  mutation ResetPool($id: ID!, $request: String!) {
    workerPoolReset(id: $id, certificateSigningRequest: $request) {
      id
      config
    }
  }
`)

interface Props {
  pool: Pool
  workers: readonly WorkerRow[]
  onChange: () => void
  onClose: () => void
}

/** A new key for the pool. Says what is lost first, and shows the new key this once. */
export function ResetPool(props: Props) {
  const { pool, workers, onClose } = props
  const [made, setMade] = useState<{ token: string; privateKey: string | undefined }>()
  return (
    <Modal
      opened
      onClose={onClose}
      title={made ? `Pool ${pool.name} has a new key` : `Reset pool ${pool.name}?`}
      size="lg"
      closeOnClickOutside={!made}
      closeOnEscape={!made}
      withCloseButton={!made}
    >
      {made ? (
        <Stack>
          <StartWorkers pool={pool.name} token={made.token} privateKey={made.privateKey} />
          <Group justify="flex-end">
            <Button onClick={onClose}>I have kept it</Button>
          </Group>
        </Stack>
      ) : (
        <Asking
          {...props}
          workers={workers}
          onMade={(token, privateKey) => {
            setMade({ token, privateKey })
            props.onChange()
          }}
        />
      )}
    </Modal>
  )
}

function Asking(props: Props & { onMade: (token: string, privateKey: string | undefined) => void }) {
  const { pool, workers, onClose } = props
  const [, reset] = useMutation(ResetMutation)
  const [key, setKey] = useState(firstChoice)
  const [typed, setTyped] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const why = keyLacking(key) ?? (typed === pool.name ? undefined : 'The name has to be typed first.')

  async function go() {
    setBusy(true)
    setProblem(undefined)
    try {
      const { request, privateKey } = await keyFor(key, pool.name)
      const { data, error } = await reset({ id: pool.id, request })
      if (data) props.onMade(data.workerPoolReset.config, privateKey)
      else if (error) setProblem(problemOf(error))
    } catch (error) {
      setProblem({ sentence: `The browser could not make the key: ${String(error)}`, code: undefined })
    }
    setBusy(false)
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!why) void go()
      }}
    >
      <Stack>
        <Alert color="red" title="What is lost">
          <Stack gap="xs">
            <Text size="sm">
              {workers.length === 0
                ? 'No worker is there now. '
                : `${workers.length === 1 ? 'The one worker' : `All ${workers.length} workers`} of the old key ${workers.length === 1 ? 'is' : 'are'} locked out at once. `}
              The old token and key are worth nothing any more. A run that such a worker holds ends as
              lost, and where it was applying, nobody can say how far it came. Cycle first to let them
              finish.
            </Text>
            <HeldRuns workers={workers} />
            <Text size="sm">
              Runs that wait for a confirmation have to be planned again: their workspaces are sealed with
              the old key.
            </Text>
          </Stack>
        </Alert>
        <KeyChooser choice={key} onChange={setKey} name={pool.name} />
        <TextInput
          label={`Type ${pool.name} to go on`}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
        />
        {problem && <Trouble title="The pool was not reset" {...problem} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Keep it as it is
          </Button>
          <Action type="submit" color="red" loading={busy} why={why}>
            Reset the pool
          </Action>
        </Group>
      </Stack>
    </form>
  )
}
