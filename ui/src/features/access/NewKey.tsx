import { useState } from 'react'
import { useMutation } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { fileName, save } from '~/lib/save'
import { Action, Alert, Button, CopyText, Group, Modal, Radio, Select, Stack, Text, TextInput, Trouble } from '~/ui'

const CreateMutation = graphql(`
  mutation CreateApiKey($input: ApiKeyInput!) {
    apiKeyCreate(input: $input) {
      id
      name
      secret
      admin
    }
  }
`)

type Made = ResultOf<typeof CreateMutation>['apiKeyCreate']

const DAY = 24 * 60 * 60
const LIVES = [
  { value: '0', label: 'Never' },
  { value: String(7 * DAY), label: 'In 7 days' },
  { value: String(30 * DAY), label: 'In 30 days' },
  { value: String(90 * DAY), label: 'In 90 days' },
  { value: String(365 * DAY), label: 'In a year' },
]

/** Asks what a new key is for, and shows its secret this once. */
export function NewKey({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [made, setMade] = useState<Made>()
  const close = () => {
    setMade(undefined)
    onClose()
  }
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={made ? `API key ${made.name} is made` : 'Create an API key'}
      size="lg"
      // What is shown once is not put away by a slip of the hand.
      closeOnClickOutside={!made}
      closeOnEscape={!made}
      withCloseButton={!made}
    >
      {made ? <Shown made={made} onClose={close} /> : <Asking onMade={setMade} onClose={close} />}
    </Modal>
  )
}

function Asking({ onMade, onClose }: { onMade: (made: Made) => void; onClose: () => void }) {
  const [{ error, fetching }, create] = useMutation(CreateMutation)
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [rights, setRights] = useState('read')
  const [life, setLife] = useState('0')
  const why = name.trim() === '' ? 'Give the key a name first.' : undefined

  function make() {
    const seconds = Number(life)
    const input = {
      name,
      description: description || null,
      admin: rights === 'admin',
      teams: [],
      expiresAt: seconds > 0 ? Math.floor(Date.now() / 1000) + seconds : null,
    }
    void create({ input }).then(({ data }) => {
      if (data) onMade(data.apiKeyCreate)
    })
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!why) make()
      }}
    >
      <Stack>
        <TextInput
          label="Name"
          description="The program that will use it."
          placeholder="deploy pipeline"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={255}
          data-autofocus
        />
        <TextInput
          label="Description"
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
          maxLength={4096}
        />
        <Radio.Group label="Rights" value={rights} onChange={setRights}>
          <Stack gap="xs" mt={4}>
            <Radio value="read" label="Read" description="Sees everything in the root space, and changes nothing." />
            <Radio
              value="admin"
              label="Everything"
              description="May do all that an administrator may: apply, delete, make more keys."
            />
          </Stack>
        </Radio.Group>
        <Select
          label="Expires"
          data={LIVES}
          value={life}
          onChange={(value) => setLife(value ?? '0')}
          allowDeselect={false}
        />
        {error && <Trouble title="The key was not made" {...problemOf(error)} helpAt={to.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Action type="submit" loading={fetching} why={why}>
            Create the key
          </Action>
        </Group>
      </Stack>
    </form>
  )
}

function Shown({ made, onClose }: { made: Made; onClose: () => void }) {
  const secret = made.secret ?? ''
  const lines = `SPACELIFT_API_KEY_ENDPOINT=${window.location.origin}\nSPACELIFT_API_KEY_ID=${made.id}\nSPACELIFT_API_KEY_SECRET=${secret}\n`
  return (
    <Stack>
      <Alert color="yellow" title="The secret is shown this once">
        <Text size="sm">Gantry keeps only a hash of it. Put it where the program finds it, now.</Text>
      </Alert>
      <CopyText label="Key id" value={made.id} />
      <CopyText label="Secret" value={secret} />
      <Group justify="space-between">
        <Button variant="default" onClick={() => save(`${fileName(made.name)}.env`, lines)}>
          Download as environment file
        </Button>
        <Button onClick={onClose}>I have kept it</Button>
      </Group>
    </Stack>
  )
}
