import { useId, type ReactNode } from 'react'

import { Stack, Switch, Text, Title } from '~/ui'

import type { Form } from './form'
import type { StackInput } from './settings'

/** Settings that belong together. */
export function Section(props: { title: string; words?: string; children: ReactNode }) {
  const id = useId()
  return (
    <Stack gap="md" component="section" aria-labelledby={id}>
      <div>
        <Title order={2} id={id}>
          {props.title}
        </Title>
        {props.words && (
          <Text size="sm" c="dimmed">
            {props.words}
          </Text>
        )}
      </div>
      {props.children}
    </Stack>
  )
}

type Yes = { [Name in keyof StackInput]-?: NonNullable<StackInput[Name]> extends boolean ? Name : never }[keyof StackInput]

/** A setting that is on or off, and what that means. */
export function OnOff(props: { form: Form; field: Yes; label: string; words: string }) {
  return (
    <Switch
      label={props.label}
      description={props.words}
      checked={props.form.value[props.field] ?? false}
      onChange={(event) => props.form.set({ [props.field]: event.currentTarget.checked })}
    />
  )
}
