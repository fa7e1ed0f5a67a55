import { IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useMutation } from 'urql'

import { problemOf } from '~/graphql/problem'
import { lacking, useRights } from '~/graphql/rights'
import { Action, Confirm, Group, Modal, Stack, Switch, Text, TextInput, tell, warn } from '~/ui'

import { DeleteSaved, UpdateSaved, personOf, type Kept, type Saved } from './saved'

interface ManageViewsProps {
  found: { mine: readonly Kept[]; others: readonly Kept[] }
  onClose: () => void
  onDone: () => void
}

/** Renames, shares and deletes saved views: one's own, and for root admins also shared ones. */
export function ManageViews({ found, onClose, onDone }: ManageViewsProps) {
  const [leaving, setLeaving] = useState<Saved>()
  const admin = lacking(useRights(), 'SPACE_ADMIN')
  const rows = [
    ...found.mine.map((one) => ({ ...one, mine: true, why: undefined })),
    ...found.others.map((one) => ({
      ...one,
      mine: false,
      why: admin && `Only ${personOf(one.saved.createdBy)}, who made it, and administrators change it.`,
    })),
  ]
  return (
    <>
      <Modal opened={leaving === undefined} onClose={onClose} title="Saved views" size="lg" centered>
        <Stack gap="lg">
          {rows.length === 0 && (
            <Text size="sm" c="dimmed">
              There is none any more. Save the view that you see under Views.
            </Text>
          )}
          {rows.map(({ saved, mine, why }) => (
            <One
              key={saved.id}
              saved={saved}
              mine={mine}
              why={why}
              onDone={onDone}
              onDelete={() => setLeaving(saved)}
            />
          ))}
        </Stack>
      </Modal>
      {leaving && <Deletion saved={leaving} onClose={() => setLeaving(undefined)} onDone={onDone} />}
    </>
  )
}

interface OneProps {
  saved: Saved
  mine: boolean
  why: string | undefined
  onDone: () => void
  onDelete: () => void
}

function One({ saved, mine, why, onDone, onDelete }: OneProps) {
  const [name, setName] = useState(saved.name)
  const [{ fetching }, update] = useMutation(UpdateSaved)
  const wanted = name.trim()
  const change = (next: { name?: string; isPublic?: boolean }) => {
    const isPublic = next.isPublic ?? saved.isPublic
    void update({ id: saved.id, isPublic, name: next.name ?? null, data: null }).then(({ error }) => {
      if (error) warn(`The view ${saved.name} was not changed`, problemOf(error))
      else tell(`The view ${next.name ?? saved.name} is changed`)
      onDone()
    })
  }
  const unnamed =
    wanted === '' ? 'A view has a name.' : wanted === saved.name ? 'Write another name first.' : undefined
  return (
    <form
      aria-label={saved.name}
      onSubmit={(event) => {
        event.preventDefault()
        if (!why && !unnamed) change({ name: wanted })
      }}
    >
      <Group align="flex-end" gap="xs">
        <TextInput
          label={mine ? 'Name' : `Name, by ${personOf(saved.createdBy)}`}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          readOnly={why !== undefined}
          maxLength={255}
          autoComplete="off"
          flex="1 1 200px"
        />
        <Action type="submit" variant="default" why={why ?? unnamed} loading={fetching}>
          Rename
        </Action>
        <Action
          variant="subtle"
          color="red"
          why={why}
          onClick={onDelete}
          leftSection={<IconTrash size={16} aria-hidden />}
        >
          Delete
        </Action>
      </Group>
      {mine && (
        <Switch
          mt="xs"
          label="For everybody"
          checked={saved.isPublic}
          onChange={(event) => change({ isPublic: event.currentTarget.checked })}
        />
      )}
    </form>
  )
}

function Deletion(props: { saved: Saved; onClose: () => void; onDone: () => void }) {
  const [{ fetching }, remove] = useMutation(DeleteSaved)
  const { saved } = props
  return (
    <Confirm
      opened
      title={`Delete the view ${saved.name}?`}
      verb="Delete the view"
      dangerous
      busy={fetching}
      onClose={props.onClose}
      onConfirm={() =>
        void remove({ id: saved.id }).then(({ error }) => {
          if (error) warn('The view was not deleted', problemOf(error))
          else tell(`The view ${saved.name} is deleted`)
          props.onClose()
          props.onDone()
        })
      }
    >
      <Text size="sm">
        {saved.isPublic ? 'Nobody finds it under Views any more.' : 'You find it under Views no more.'} What it shows
        stays as it is.
      </Text>
    </Confirm>
  )
}
