import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation, type CombinedError } from 'urql'

import { SpaceSelect } from '~/access/SpaceSelect'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Action, Button, Group, Modal, Stack, Switch, TagsInput, TextInput, Textarea, tell } from '~/ui'

import { CreateMutation, UpdateMutation, type Space } from './documents'
import { isFixed, mayHangOn } from './rules'

interface Settings {
  name: string
  description: string
  labels: string[]
  inherits: boolean
  above: string
}

interface End {
  onClose: () => void
  onDone: () => void
}

/** Makes a space beneath another. */
export function NewSpace({ above, onClose, onDone }: End & { above: Space }) {
  const go = useNavigate()
  const [{ fetching, error }, create] = useMutation(CreateMutation)
  const [settings, setSettings] = useState<Settings>({
    name: '',
    description: '',
    labels: [],
    inherits: true,
    above: above.id,
  })
  return (
    <Form
      title={`Create a space beneath ${above.name}`}
      verb="Create the space"
      refusal="The space was not made"
      settings={settings}
      onChange={setSettings}
      busy={fetching}
      error={error}
      onClose={onClose}
      onSubmit={() =>
        void create({ input: inputOf(settings) }).then(({ data }) => {
          if (!data) return
          tell(`Space ${data.spaceCreate.name} is made`)
          onDone()
          onClose()
          void go(to.space(data.spaceCreate.id))
        })
      }
    />
  )
}

/** Changes a space; with another one above it, moves it with everything beneath. */
export function EditSpace({ space, onClose, onDone }: End & { space: Space }) {
  const [{ fetching, error }, update] = useMutation(UpdateMutation)
  const [settings, setSettings] = useState<Settings>({
    name: space.name,
    description: space.description,
    labels: space.labels,
    inherits: space.inheritEntities,
    above: space.parentSpace ?? '',
  })
  return (
    <Form
      title={`Edit space ${space.name}`}
      verb={settings.above === (space.parentSpace ?? '') ? 'Save' : 'Save and move'}
      refusal="The space was not changed"
      space={space}
      settings={settings}
      onChange={setSettings}
      busy={fetching}
      error={error}
      onClose={onClose}
      onSubmit={() =>
        void update({ space: space.id, input: inputOf(settings) }).then(({ data }) => {
          if (!data) return
          tell(`Space ${data.spaceUpdate.name} is changed`)
          onDone()
          onClose()
        })
      }
    />
  )
}

function inputOf(settings: Settings) {
  return {
    name: settings.name,
    description: settings.description,
    labels: settings.labels,
    inheritEntities: settings.inherits,
    parentSpace: settings.above,
  }
}

function Form(props: {
  title: string
  verb: string
  refusal: string
  space?: Space
  settings: Settings
  onChange: (settings: Settings) => void
  busy: boolean
  error: CombinedError | undefined
  onClose: () => void
  onSubmit: () => void
}) {
  const { settings, onChange, space } = props
  const why = settings.name.trim() === '' ? 'A space has a name.' : undefined
  const moves = space !== undefined && !isFixed(space)
  return (
    <Modal opened onClose={props.onClose} title={props.title} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why) props.onSubmit()
        }}
      >
        <Stack>
          <TextInput
            label="Name"
            value={settings.name}
            onChange={(event) => onChange({ ...settings, name: event.currentTarget.value })}
            maxLength={255}
            data-autofocus
          />
          <Textarea
            label="Description"
            value={settings.description}
            onChange={(event) => onChange({ ...settings, description: event.currentTarget.value })}
            autosize
            minRows={1}
            maxRows={5}
          />
          {moves && (
            <SpaceSelect
              label="Above it"
              description="Another one moves the space, with all that is in it and beneath it. A move after which a stack could not use what it uses is refused."
              value={settings.above}
              onChange={(above) => onChange({ ...settings, above })}
              fits={(one, all) => one.accessLevel === 'ADMIN' && mayHangOn(all, space.id, one.id)}
            />
          )}
          {space?.id !== 'root' && (
            <Switch
              label="Inherits from the space above"
              description="Its stacks may use contexts and worker pools from there, and whoever has a role here sees it."
              checked={settings.inherits}
              onChange={(event) => onChange({ ...settings, inherits: event.currentTarget.checked })}
            />
          )}
          <TagsInput
            label="Labels"
            description="Enter adds one."
            value={settings.labels}
            onChange={(labels) => onChange({ ...settings, labels })}
          />
          {props.error && <Refused title={props.refusal} error={props.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              Cancel
            </Button>
            <Action type="submit" loading={props.busy} why={why}>
              {props.verb}
            </Action>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
