import { NumberInput, TagsInput, TextInput, Textarea } from '~/ui'

export interface PoolSettings {
  name: string
  description: string
  labels: string[]
  /** How many drift checks may run at a time; none: any number. */
  limit: number | null
}

export const noSettings: PoolSettings = { name: '', description: '', labels: [], limit: null }

/** What a pool is called, and how it is used. */
export function PoolFields(props: {
  settings: PoolSettings
  onChange: (settings: PoolSettings) => void
}) {
  const { settings, onChange } = props
  return (
    <>
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
      <TagsInput
        label="Labels"
        description="Enter adds one."
        value={settings.labels}
        onChange={(labels) => onChange({ ...settings, labels })}
      />
      <NumberInput
        label="Drift checks at a time"
        description="Leave it empty for any number."
        value={settings.limit ?? ''}
        onChange={(value) => onChange({ ...settings, limit: typeof value === 'number' ? value : null })}
        min={0}
        allowDecimal={false}
        maw={240}
      />
    </>
  )
}
