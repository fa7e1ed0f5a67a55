import { useState } from 'react'
import { useMutation } from 'urql'

import { Refused } from '~/graphql/Refused'
import { Action, Button, Group, Modal, Stack, Textarea, tell } from '~/ui'

import { DescribeGroupMutation, type Group as Known } from './documents'

/** Says what a group is for. */
export function DescribeGroup({ group, onClose }: { group: Known; onClose: () => void }) {
  const [{ fetching, error }, describe] = useMutation(DescribeGroupMutation)
  const [description, setDescription] = useState(group.description)
  const why = description === group.description ? 'Nothing is changed yet.' : undefined
  const save = async () => {
    const { data } = await describe({ input: { id: group.id, description } })
    if (!data) return
    tell(`${group.groupName} is described`)
    onClose()
  }
  return (
    <Modal opened onClose={onClose} title={`What ${group.groupName} is for`}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why) void save()
        }}
      >
        <Stack>
          <Textarea
            label="Description"
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
            maxLength={4096}
            autosize
            minRows={2}
            maxRows={8}
            data-autofocus
          />
          {error && <Refused title="Nothing was changed" error={error} />}
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
