import type { ReactNode } from 'react'
import type { CombinedError } from 'urql'

import { Refused } from '~/graphql/Refused'
import { Action, Group, Stack } from '~/ui'

/** A form's frame: what was refused, and the button, which says why it cannot be used. */
export function Saving(props: {
  children: ReactNode
  isNew: boolean
  why: string | undefined
  busy: boolean
  error: CombinedError | undefined
  onSave: () => void
}) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!props.why) props.onSave()
      }}
    >
      <Stack>
        {props.children}
        {props.error && <Refused title="Nothing was changed" error={props.error} />}
        <Group justify="flex-end">
          <Action type="submit" loading={props.busy} why={props.why}>
            {props.isNew ? 'Set it up' : 'Save'}
          </Action>
        </Group>
      </Stack>
    </form>
  )
}

/** Says which of the fields is still empty. */
export function missing(fields: readonly (readonly [name: string, value: string])[]): string | undefined {
  const first = fields.find(([, value]) => value.trim() === '')
  return first && `Fill in: ${first[0]}.`
}
