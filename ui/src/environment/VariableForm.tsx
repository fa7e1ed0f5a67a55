import { useState } from 'react'

import { Modal, Stack, Switch, Text, Textarea, TextInput } from '~/ui'

import { faultOfName, faultOfValue } from './content'
import type { Given, Owner } from './given'
import { FormEnd, Present, useSaving } from './saving'

interface Props {
  owner: Owner
  /** The one to change; without, a new one. */
  given: Given | undefined
  /** Names that the owner has already. */
  taken: readonly string[]
  onClose: () => void
}

/** Sets a variable. A secret's value is asked for anew: nobody can read the old one. */
export function VariableForm({ owner, given, taken, onClose }: Props) {
  return (
    <Modal
      opened
      onClose={onClose}
      title={given ? `Variable ${given.element.id}` : 'Add a variable'}
      size="lg"
      centered
    >
      {given && !given.element.writeOnly ? (
        <Present owner={owner} id={given.element.id} problem="Its value could not be loaded" height={220}>
          {(value) => <Fields owner={owner} given={given} taken={taken} before={value} onClose={onClose} />}
        </Present>
      ) : (
        <Fields owner={owner} given={given} taken={taken} before="" onClose={onClose} />
      )}
    </Modal>
  )
}

function Fields({ owner, given, taken, before, onClose }: Props & { before: string }) {
  const [name, setName] = useState(given?.element.id ?? '')
  const [value, setValue] = useState(before)
  const [secret, setSecret] = useState(given?.element.writeOnly ?? false)
  const [description, setDescription] = useState(given?.element.description ?? '')
  const saving = useSaving(owner, onClose)
  const there = taken.includes(name)
  const fault = faultOfName(name) ?? (!given && there ? 'There is one of this name; edit that one.' : undefined)
  const tooLong = faultOfValue(value)
  const why =
    fault ?? tooLong ?? (name === '' ? 'It needs a name.' : undefined) ??
    (given?.element.writeOnly && value === '' ? 'Write its new value: the old one cannot be read.' : undefined)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (why) return
        const config = {
          id: name,
          type: 'ENVIRONMENT_VARIABLE' as const,
          value,
          writeOnly: secret,
          description: description.trim() || null,
        }
        saving.save(config, `${name} is set`)
      }}
    >
      <Stack gap="md">
        <TextInput
          label="Name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          readOnly={given !== undefined}
          error={fault}
          spellCheck={false}
          autoComplete="off"
          {...(given ? {} : { 'data-autofocus': true })}
        />
        <Textarea
          label="Value"
          description={
            given?.element.writeOnly ? 'Its present value is secret and never shown; this replaces it' : undefined
          }
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
          error={tooLong}
          autosize
          minRows={2}
          maxRows={14}
          spellCheck={false}
          autoComplete="off"
          {...(given ? { 'data-autofocus': true } : {})}
        />
        <Switch
          label="Secret"
          description="Never shown again, and masked in logs"
          checked={secret}
          onChange={(event) => setSecret(event.currentTarget.checked)}
        />
        {given?.element.writeOnly && !secret && (
          <Text size="sm" c="orange">
            Everybody who may see this will see the new value.
          </Text>
        )}
        <TextInput
          label="Description"
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        <FormEnd saving={saving} refusal="It is not set" verb={given ? 'Save' : 'Add'} why={why} onClose={onClose} />
      </Stack>
    </form>
  )
}
