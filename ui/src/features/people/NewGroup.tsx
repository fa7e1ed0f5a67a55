import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { useGroups } from '~/access/GroupNames'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Action, Autocomplete, Button, Group, Modal, Stack, Textarea, tell } from '~/ui'

import { CreateGroupMutation } from './documents'

/** Makes a group of the identity provider known, so that its members are let in. */
export function NewGroup({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const go = useNavigate()
  const { known, heard } = useGroups()
  const [{ fetching, error }, create] = useMutation(CreateGroupMutation)
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const taken = known?.some((one) => one.name === name)
  const why =
    name === '' ? 'Name the group first.' : taken ? 'The account knows this group already.' : undefined
  const make = async () => {
    const { data } = await create({ input: { groupName: name, description: description || null } })
    if (!data?.managedUserGroupCreateV2) return
    tell(`Group ${name} is known`, 'Its members may do nothing until it is given a role.')
    onDone()
    void go(to.group(data.managedUserGroupCreateV2.id))
  }
  return (
    <Modal opened onClose={onClose} title="Create a group">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why) void make()
        }}
      >
        <Stack>
          <Autocomplete
            label="Name"
            description="Exactly the identity provider's, capitals and spaces included. Those that it has named of anybody are suggested."
            data={(heard ?? []).filter((one) => !known?.some((group) => group.name === one))}
            value={name}
            onChange={setName}
            maxLength={255}
            spellCheck={false}
            data-autofocus
          />
          <Textarea
            label="Description"
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
            maxLength={4096}
            autosize
            minRows={1}
            maxRows={5}
          />
          {error && <Refused title="The group was not made" error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Action type="submit" loading={fetching} why={why}>
              Create the group
            </Action>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
