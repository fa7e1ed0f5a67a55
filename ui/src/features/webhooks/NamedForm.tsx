import { useState } from 'react'
import { useQuery } from 'urql'
import type { CombinedError } from 'urql'

import { Refused } from '~/graphql/Refused'
import { Action, Button, Group, Select, Stack, TagsInput, TextInput } from '~/ui'

import { SpacesQuery, type Named } from './documents'
import { EnabledField, EndpointField, RetryField, SecretField, type Common } from './fields'
import { faultOfEndpoint } from './words'

interface Given extends Common {
  name: string
  space: string
  labels: string[]
}

interface Props {
  /** The one to change; without, a new one. */
  before?: Named
  verb: string
  busy: boolean
  error: CombinedError | undefined
  why?: string | undefined
  onSave: (input: Given & { secret: string }) => void
  onCancel: () => void
}

/** Everything about a named webhook but for its headers. */
export function NamedForm({ before, verb, busy, error, why, onSave, onCancel }: Props) {
  const [given, setGiven] = useState<Given>(() => ({
    name: before?.name ?? '',
    endpoint: before?.endpoint ?? '',
    secret: '',
    enabled: before?.enabled ?? true,
    retryOnFailure: before?.retryOnFailure ?? true,
    space: before?.space.id ?? '',
    labels: before?.labels ?? [],
  }))
  const [{ data }] = useQuery({ query: SpacesQuery })
  const spaces = (data?.spaces ?? []).filter((one) => one.accessLevel === 'ADMIN')
  const space = given.space || (spaces.find((one) => one.id === 'root') ?? spaces[0])?.id || ''
  const fault = faultOfEndpoint(given.endpoint)
  const lacks =
    why ??
    (given.name.trim() === '' ? 'Give it a name first.' : undefined) ??
    fault ??
    (space === '' ? 'You administer no space in which it could be.' : undefined)
  const change = { given, onChange: setGiven }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!lacks) onSave({ ...given, space, name: given.name.trim(), endpoint: given.endpoint.trim() })
      }}
    >
      <Stack>
        <TextInput
          label="Name"
          value={given.name}
          onChange={(event) => setGiven({ ...given, name: event.currentTarget.value })}
          maxLength={255}
          data-autofocus
        />
        <EndpointField {...change} fault={fault} />
        <Select
          label="Space"
          description="Whoever administers it may change the webhook, and see what it was told."
          data={spaces.map((one) => ({ value: one.id, label: one.name }))}
          value={space || null}
          onChange={(value) => setGiven({ ...given, space: value ?? '' })}
          allowDeselect={false}
          searchable
        />
        <SecretField {...change} hasSecret={before?.hasSecret ?? false} />
        <TagsInput
          label="Labels"
          description="Enter adds one."
          value={given.labels}
          onChange={(labels) => setGiven({ ...given, labels })}
        />
        <EnabledField {...change} />
        <RetryField {...change} />
        {error && <Refused title="The webhook was not saved" error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Action type="submit" loading={busy} why={lacks}>
            {verb}
          </Action>
        </Group>
      </Stack>
    </form>
  )
}
