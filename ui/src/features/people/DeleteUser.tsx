import { useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { Refused } from '~/graphql/Refused'
import { useSession } from '~/graphql/session'
import { to } from '~/lib/paths'
import { Confirm, Stack, Text, tell } from '~/ui'

import { DeleteUserMutation, type User } from './documents'
import { losses } from './words'

/** Asks before somebody is gone, or is invited no more. */
export function DeleteUser({ user, onClose }: { user: User; onClose: () => void }) {
  const go = useNavigate()
  const [{ fetching, error }, remove] = useMutation(DeleteUserMutation)
  const { viewer } = useSession()
  const came = user.loginMethod !== null
  return (
    <Confirm
      opened
      title={came ? `Delete ${user.username}?` : `Take back the invitation of ${user.username}?`}
      verb={came ? 'Delete the user' : 'Take it back'}
      dangerous
      busy={fetching}
      onClose={onClose}
      onConfirm={() =>
        void remove({ id: user.id }).then(({ data }) => {
          if (!data) return
          tell(`${user.username} is deleted`, 'What they did stays in the audit trail.')
          void go(to.users())
        })
      }
    >
      <Stack gap="sm">
        <Text size="sm">
          Lost at once: {losses(user)} of their own. Runs that they started go on, and what they did stays in the audit
          trail.
        </Text>
        <Text size="sm">
          {user.groups.length > 0
            ? 'If they are still in a group of this account, they are let in again at their next sign-in, without roles of their own. Take them out of the group at the identity provider first.'
            : 'They are let in again only if somebody invites them, or when they come with a group of this account.'}
        </Text>
        {viewer.id === user.id && (
          <Text size="sm" fw={600}>
            That is you: you are signed out.
          </Text>
        )}
        {error && <Refused title="Nobody was deleted" error={error} />}
      </Stack>
    </Confirm>
  )
}
