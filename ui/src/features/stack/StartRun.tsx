import { useState } from 'react'
import type { CombinedError } from 'urql'

import { Refused } from '~/graphql/Refused'
import { Action, Button, Confirm, Group, Modal, Radio, Stack, Text, TextInput } from '~/ui'

import type { StackHead } from './here'
import { counted, useLosses } from './losses'
import { useStarting } from './starting'

const SHA = /^[0-9a-f]{40}$/i

/** Asks for a commit, and whether it may be applied. */
export function RunCommit(props: { stack: StackHead; opened: boolean; onClose: () => void }) {
  const { stack } = props
  const [sha, setSha] = useState('')
  const [kind, setKind] = useState<'PROPOSED' | 'TRACKED'>('PROPOSED')
  const [error, setError] = useState<CombinedError>()
  const { start, fetching } = useStarting(stack.id)
  const given = sha.trim()
  const why = kind === 'TRACKED' ? stack.runProblem : stack.previewProblem
  return (
    <Modal opened={props.opened} onClose={props.onClose} title="Run another commit" centered>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (SHA.test(given) && !why) void start(kind, { sha: given }).then(setError)
        }}
      >
        <Stack gap="md">
          <TextInput
            label="Commit"
            description="The whole SHA, 40 digits and letters, of any commit of the repository"
            value={sha}
            onChange={(event) => setSha(event.currentTarget.value)}
            error={given && !SHA.test(given) ? 'A whole SHA has 40 characters, 0-9 and a-f.' : undefined}
            spellCheck={false}
            autoComplete="off"
            data-autofocus
          />
          <Radio.Group
            label="And then"
            value={kind}
            onChange={(value) => setKind(value === 'TRACKED' ? 'TRACKED' : 'PROPOSED')}
          >
            <Stack gap="xs" mt={6}>
              <Radio value="PROPOSED" label="Preview: plan it, and never apply it" />
              <Radio value="TRACKED" label="Run: plan it, and apply it once its plan is confirmed" />
            </Stack>
          </Radio.Group>
          {error && <Refused title="No run was started" error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              Back
            </Button>
            <Action
              type="submit"
              loading={fetching}
              why={why ?? (SHA.test(given) ? undefined : 'The commit has to be given first.')}
            >
              Start
            </Action>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** Asks before a run begins that destroys everything the stack manages. */
export function DestroyResources({ stack, onClose }: { stack: StackHead; onClose: () => void }) {
  const losses = useLosses(stack.id, false)
  const [error, setError] = useState<CombinedError>()
  const { start, fetching } = useStarting(stack.id)
  return (
    <Confirm
      opened
      title="Destroy what this stack manages?"
      verb="Start the destroy run"
      dangerous
      typed={stack.name}
      busy={fetching}
      onClose={onClose}
      onConfirm={() => void start('DESTROY').then(setError)}
    >
      <Stack gap="sm">
        <Text size="sm">
          A run plans to destroy {losses ? counted(losses.entityCount, 'resource') : 'every resource'}.{' '}
          {losses?.autodeploy
            ? 'The stack deploys by itself: the plan is carried out without another question.'
            : 'Nothing is destroyed until somebody confirms its plan.'}{' '}
          The stack stays, with its settings and its history.
        </Text>
        {error && <Refused title="No run was started" error={error} />}
      </Stack>
    </Confirm>
  )
}
