import { useState, type ReactNode } from 'react'
import { Link } from 'react-router'
import type { CombinedError } from 'urql'

import { useMeanings, type ActionName } from '~/access/actions'
import { Refused } from '~/graphql/Refused'
import { Unsaved } from '~/layout/Unsaved'
import { Action, Button, Card, Coming, Group, Stack, TextInput, Textarea } from '~/ui'

import { ActionPicker } from './ActionPicker'
import { useNotRoleMaker } from './RolesPage'

export interface RoleDraft {
  name: string
  description: string
  actions: readonly ActionName[]
}

interface Props {
  before: RoleDraft
  verb: string
  refusal: string
  /** Where to go without saving. */
  back: string
  busy: boolean
  error: CombinedError | undefined
  /** Whether it has been saved, and can be left. */
  done: boolean
  onSubmit: (draft: RoleDraft) => void
  children?: ReactNode
}

/** What a role is called, what it is for, and what it allows. */
export function RoleForm(props: Props) {
  const { before } = props
  const meanings = useMeanings()
  const forbidden = useNotRoleMaker()
  const [name, setName] = useState(before.name)
  const [description, setDescription] = useState(before.description)
  const [chosen, setChosen] = useState<ReadonlySet<ActionName>>(new Set(before.actions))
  const why =
    forbidden ??
    (name.trim() === ''
      ? 'Give the role a name first.'
      : chosen.size === 0
        ? 'Choose at least one action: a role without any allows nothing.'
        : undefined)
  const changed = [
    ...(name === before.name ? [] : ['name']),
    ...(description === before.description ? [] : ['description']),
    ...(same(chosen, before.actions) ? [] : ['actions']),
  ]
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!why) props.onSubmit({ name, description, actions: [...chosen] })
      }}
    >
      <Stack>
        <Card withBorder>
          <Stack>
            <TextInput
              label="Name"
              placeholder="deployer"
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              maxLength={255}
              maw={420}
            />
            <Textarea
              label="Description"
              value={description}
              onChange={(event) => setDescription(event.currentTarget.value)}
              autosize
              minRows={1}
              maxRows={5}
              maw={620}
            />
          </Stack>
        </Card>
        {meanings ? (
          <ActionPicker meanings={meanings} chosen={chosen} onChange={setChosen} />
        ) : (
          <Coming height={400} />
        )}
        {props.children}
        {props.error && <Refused title={props.refusal} error={props.error} />}
        <Group justify="flex-end">
          <Button component={Link} to={props.back} variant="default">
            Cancel
          </Button>
          <Action type="submit" loading={props.busy} why={why}>
            {props.verb}
          </Action>
        </Group>
      </Stack>
      <Unsaved changed={props.done ? [] : changed} />
    </form>
  )
}

function same(chosen: ReadonlySet<ActionName>, before: readonly ActionName[]): boolean {
  return chosen.size === before.length && before.every((one) => chosen.has(one))
}
