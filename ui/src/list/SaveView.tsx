import { useState } from 'react'
import { useMutation, type CombinedError } from 'urql'

import { Refused } from '~/graphql/Refused'
import { Action, Button, Group, Modal, Stack, Switch, Text, TextInput, tell } from '~/ui'

import { CreateSaved, UpdateSaved, packed, type Kept } from './saved'
import type { View } from './view'

interface SaveViewProps {
  type: string
  view: View
  mine: readonly Kept[]
  onClose: () => void
  onDone: () => void
}

/** Keeps the present view under a name; one of one's own of that name shows it from then on. */
export function SaveView({ type, view, mine, onClose, onDone }: SaveViewProps) {
  const [name, setName] = useState('')
  const [shared, setShared] = useState(false)
  const [{ fetching: creating }, create] = useMutation(CreateSaved)
  const [{ fetching: updating }, update] = useMutation(UpdateSaved)
  const [error, setError] = useState<CombinedError>()
  const wanted = name.trim()
  const before = mine.find((one) => one.saved.name === wanted)?.saved
  const why = wanted === '' ? 'Give the view a name first.' : undefined

  async function save() {
    const data = packed(view)
    const made = before
      ? await update({ id: before.id, name: null, isPublic: shared, data })
      : await create({ input: { name: wanted, type, isPublic: shared, data } })
    setError(made.error)
    if (made.error) return
    tell(`The view ${wanted} is saved`, shared ? 'Everybody finds it under Views.' : 'You find it under Views.')
    onDone()
    onClose()
  }

  return (
    <Modal opened onClose={onClose} title="Save this view" centered>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why) void save()
        }}
      >
        <Stack>
          <Text size="sm">
            What is searched for, the filters, the order, the columns and the number of rows are kept. Who opens it
            sees what fits then, and only what they may see.
          </Text>
          <TextInput
            label="Name"
            placeholder="Production that waits for me"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={255}
            autoComplete="off"
            data-autofocus
          />
          <Switch
            label="For everybody"
            description="Everybody here sees its name, and the words and values that it looks for."
            checked={shared}
            onChange={(event) => setShared(event.currentTarget.checked)}
          />
          {before && (
            <Text size="sm" c="dimmed">
              You have a view of this name: it will show what you see now, and no longer what it did.
            </Text>
          )}
          {error && <Refused title="The view was not saved" error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Back
            </Button>
            <Action type="submit" loading={creating || updating} why={why}>
              {before ? 'Replace the view' : 'Save the view'}
            </Action>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
