import { IconCopy, IconPencil, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { Refused } from '~/graphql/Refused'
import { lacking, lackingAnywhere, useRights } from '~/graphql/rights'
import { to } from '~/lib/paths'
import { Action, Button, Confirm, Group, List, Modal, Stack, Text, tell } from '~/ui'

import { ContextFields, lackingOf, type ContextSettings } from './ContextFields'
import { CopyContext } from './CopyContext'
import { DeleteMutation, UpdateMutation, type Context } from './documents'

/** As many stacks as a question names one by one. */
const NAMED = 6

/** What can be done with a context as a whole. */
export function ContextActions({ context }: { context: Context }) {
  const rights = useRights()
  const [open, setOpen] = useState<'edit' | 'copy' | 'delete'>()
  const close = () => setOpen(undefined)
  return (
    <Group gap="xs">
      <Action
        variant="default"
        leftSection={<IconPencil size={16} aria-hidden />}
        why={lacking(rights, 'CONTEXT_UPDATE', context.space)}
        onClick={() => setOpen('edit')}
      >
        Edit
      </Action>
      <Action
        variant="default"
        leftSection={<IconCopy size={16} aria-hidden />}
        why={lackingAnywhere(rights, 'CONTEXT_CREATE')}
        hint="Another one with the same content, secrets left out"
        onClick={() => setOpen('copy')}
      >
        Copy
      </Action>
      <Action
        variant="light"
        color="red"
        leftSection={<IconTrash size={16} aria-hidden />}
        why={lacking(rights, 'CONTEXT_DELETE', context.space)}
        onClick={() => setOpen('delete')}
      >
        Delete
      </Action>
      {open === 'edit' && <Edit context={context} onClose={close} />}
      {open === 'copy' && <CopyContext context={context} onClose={close} />}
      {open === 'delete' && <Delete context={context} onClose={close} />}
    </Group>
  )
}

function Edit({ context, onClose }: { context: Context; onClose: () => void }) {
  const [{ fetching, error }, update] = useMutation(UpdateMutation)
  const [settings, setSettings] = useState<ContextSettings>({
    name: context.name,
    description: context.description ?? '',
    labels: context.labels,
    space: context.space,
  })
  const why = lackingOf(settings)
  const save = async () => {
    const input = { ...settings, description: settings.description || null }
    const { data } = await update({ id: context.id, input })
    if (!data) return
    tell(`Context ${data.contextUpdateV2.name} is changed`)
    onClose()
  }
  return (
    <Modal opened onClose={onClose} title={`Edit context ${context.name}`} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why) void save()
        }}
      >
        <Stack>
          <ContextFields settings={settings} onChange={setSettings} />
          {error && <Refused title="The context was not changed" error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Action type="submit" loading={fetching} why={why}>
              Save
            </Action>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function Delete({ context, onClose }: { context: Context; onClose: () => void }) {
  const go = useNavigate()
  const [{ fetching, error }, remove] = useMutation(DeleteMutation)
  const stacks = context.attachedStacks
  const secrets = context.config.filter(({ writeOnly }) => writeOnly).length
  return (
    <Confirm
      opened
      title={`Delete context ${context.name}?`}
      verb={stacks.length > 0 ? 'Take it from them and delete it' : 'Delete the context'}
      dangerous
      typed={context.name}
      busy={fetching}
      onClose={onClose}
      onConfirm={() =>
        void remove({ id: context.id, force: stacks.length > 0 }).then(({ data }) => {
          if (!data) return
          tell(`Context ${context.name} is deleted`)
          void go(to.contexts())
        })
      }
    >
      <Stack gap="sm">
        <Text size="sm">
          Lost with it: {lost(context.config.length, 'variable or file', 'variables and files')}
          {secrets > 0 && `, ${secrets} of them secret, which nobody can read back`}, and its hooks.
        </Text>
        {stacks.length > 0 && (
          <div>
            <Text size="sm">
              {stacks.length === 1 ? 'This stack has it, and goes' : `These ${stacks.length} stacks have it, and go`}{' '}
              without it from the next run on:
            </Text>
            <List size="sm">
              {stacks.slice(0, NAMED).map((one) => (
                <List.Item key={one.id}>{one.stackName}</List.Item>
              ))}
              {stacks.length > NAMED && <List.Item>and {stacks.length - NAMED} more</List.Item>}
            </List>
          </div>
        )}
        {error && <Refused title="The context was not deleted" error={error} />}
      </Stack>
    </Confirm>
  )
}

function lost(count: number, one: string, several: string): string {
  return `${count === 0 ? 'no' : count} ${count === 1 ? one : several}`
}
