import { SpaceSelect } from '~/access/SpaceSelect'
import { useRights } from '~/graphql/rights'
import { Stack, TagsInput, Text, TextInput, Textarea } from '~/ui'

import { attaching } from './labels'

export interface ContextSettings {
  name: string
  description: string
  labels: string[]
  space: string
}

/** What a context is called, where it is, and what its labels do. */
export function ContextFields(props: {
  settings: ContextSettings
  onChange: (settings: ContextSettings) => void
}) {
  const { settings, onChange } = props
  const rights = useRights()
  const mayMakeIn = (space: string) =>
    rights?.some((one) => one.space.id === space && one.actions.includes('CONTEXT_CREATE')) ?? false
  const attached = attaching(settings.labels)
  return (
    <Stack>
      <TextInput
        label="Name"
        placeholder="production"
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
      <SpaceSelect
        label="Space"
        description="Stacks of this space may use it, and those of spaces beneath that inherit."
        value={settings.space}
        onChange={(space) => onChange({ ...settings, space })}
        fits={(one) => mayMakeIn(one.id)}
      />
      <div>
        <TagsInput
          label="Labels"
          description="Enter adds one. autoattach:x attaches the context to every stack in reach that has the label x; autoattach:* to every stack in reach."
          value={settings.labels}
          onChange={(labels) => onChange({ ...settings, labels })}
        />
        {attached.map(({ label, words }) => (
          <Text key={label} size="sm" mt={4} role="status">
            <b>{label}</b> attaches it to {words}.
          </Text>
        ))}
      </div>
    </Stack>
  )
}

/** What lacks before it can be saved. */
export function lackingOf(settings: ContextSettings): string | undefined {
  return settings.name.trim() === '' ? 'Give the context a name first.' : undefined
}
