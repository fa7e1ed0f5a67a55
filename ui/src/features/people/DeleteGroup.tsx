import { useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Confirm, Stack, Text, tell } from '~/ui'

import { DeleteGroupMutation, type Group } from './documents'
import { counted } from './words'

interface Props {
  group: Group
  members: number
  keys: number
  onClose: () => void
}

/** Asks before a group lets nobody in any more. */
export function DeleteGroup({ group, members, keys, onClose }: Props) {
  const go = useNavigate()
  const [{ fetching, error }, remove] = useMutation(DeleteGroupMutation)
  const whom = [counted(members, 'user'), ...(keys > 0 ? [counted(keys, 'API key')] : [])].join(' and ')
  return (
    <Confirm
      opened
      title={`Delete group ${group.groupName}?`}
      verb="Delete the group"
      dangerous
      busy={fetching}
      onClose={onClose}
      onConfirm={() =>
        void remove({ id: group.id }).then(({ data }) => {
          if (!data) return
          tell(`Group ${group.groupName} is deleted`, 'It lets nobody in any more.')
          void go(to.groups())
        })
      }
    >
      <Stack gap="sm">
        <Text size="sm">
          Lost at once: {counted(group.roleBindings.length, 'role')}, which {whom} had through it.
        </Text>
        <Text size="sm">
          Nobody new is let in by it: members who have not come yet need an invitation. Those who have come stay users
          and can still sign in, until they are deleted.
        </Text>
        {error && <Refused title="The group was not deleted" error={error} />}
      </Stack>
    </Confirm>
  )
}
