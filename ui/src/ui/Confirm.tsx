import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useState, type ReactNode } from 'react'

import { Action } from './Action'

interface ConfirmProps {
  opened: boolean
  title: string
  /** What will happen, and what will be lost. */
  children: ReactNode
  /** The verb on the button. */
  verb: string
  dangerous?: boolean
  /** A word that has to be typed first: the name of what is destroyed. */
  typed?: string
  busy?: boolean
  /** What has to be chosen before, if it has not been. */
  why?: string | undefined
  /** The way back, if it is not to keep things as they are. */
  keep?: string
  onConfirm: () => void
  onClose: () => void
}

/** Asks before something is done that cannot be undone, and names what will be lost. */
export function Confirm(props: ConfirmProps) {
  const [given, setGiven] = useState('')
  const untyped = props.typed !== undefined && given !== props.typed
  const why = props.why ?? (untyped ? 'The name has to be typed first.' : undefined)
  const close = () => {
    setGiven('')
    props.onClose()
  }
  return (
    <Modal opened={props.opened} onClose={close} title={props.title} centered>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why) props.onConfirm()
        }}
      >
        <Stack gap="md">
          <div>{props.children}</div>
          {props.typed !== undefined && (
            <TextInput
              label={`Type ${props.typed} to go on`}
              value={given}
              onChange={(event) => setGiven(event.currentTarget.value)}
              autoComplete="off"
              spellCheck={false}
              data-autofocus
            />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {props.keep ?? 'Keep it as it is'}
            </Button>
            <Action
              type="submit"
              {...(props.dangerous ? { color: 'red' } : {})}
              loading={props.busy ?? false}
              why={why}
            >
              {props.verb}
            </Action>
          </Group>
          {why && (
            <Text size="xs" c="dimmed" ta="right">
              {why}
            </Text>
          )}
        </Stack>
      </form>
    </Modal>
  )
}
