import { IconMailForward, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { useMutation } from 'urql'

import { AuditLinks } from '~/access/AuditLinks'
import { Bindings } from '~/access/Bindings'
import { GroupList, useGroups } from '~/access/GroupNames'
import { usePeopleQuery } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { Action, Anchor, Card, Coming, Empty, Facts, Group, Modal, Stack, Text, Title, When, warn } from '~/ui'

import { DeleteUser } from './DeleteUser'
import { InviteAgainMutation, UserQuery, type Invited, type User } from './documents'
import { PassOn } from './Invite'
import { UserStatus } from './UserStatus'
import { loginOf, MEANINGS, notAgain } from './words'

/** Somebody who was invited, or has come: who they are, and what they may do. */
export default function UserPage() {
  const { userId = '' } = useParams()
  const [{ data, error }, ask] = usePeopleQuery({ query: UserQuery, variables: { id: userId } })
  const user = data?.managedUser
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        <Anchor component={Link} to={to.users()} size="sm">
          All users
        </Anchor>
        {!user && <Title order={1}>User</Title>}
        {error && !user && <Refused title="The user could not be loaded" error={error} />}
        {!data && !error && <Coming height={420} />}
        {data && !user && !error && (
          <Empty title="There is no such user">
            They were deleted. What they did is in the audit trail all the same.
          </Empty>
        )}
        {user && <Head user={user} onDone={() => ask({ requestPolicy: 'network-only' })} />}
      </Stack>
      {user && <Shown user={user} onChange={() => ask({ requestPolicy: 'network-only' })} />}
    </Stack>
  )
}

function Head({ user, onDone }: { user: User; onDone: () => void }) {
  const [{ fetching }, again] = useMutation(InviteAgainMutation)
  const [sent, setSent] = useState<Invited>()
  const [deleting, setDeleting] = useState(false)
  const send = async () => {
    const { data, error } = await again({ id: user.id })
    if (error) warn('The invitation was not sent again', problemOf(error))
    if (data?.managedUserResendInvite) setSent(data.managedUserResendInvite)
    onDone()
  }
  return (
    <Group justify="space-between" align="flex-start">
      <div>
        <Title order={1} style={{ overflowWrap: 'anywhere' }}>
          {user.username}
        </Title>
        <UserStatus user={user} />
      </div>
      <Group gap="xs">
        <Action
          variant="default"
          leftSection={<IconMailForward size={16} aria-hidden />}
          loading={fetching}
          why={notAgain(user)}
          onClick={() => void send()}
        >
          {user.status === 'INACTIVE' ? 'Invite again' : 'Send again'}
        </Action>
        <Action
          variant="light"
          color="red"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={() => setDeleting(true)}
        >
          Delete
        </Action>
      </Group>
      {sent && (
        <Modal opened onClose={() => setSent(undefined)} title={`${sent.username} is invited for another day`} size="lg">
          <PassOn invited={sent} onClose={() => setSent(undefined)} />
        </Modal>
      )}
      {deleting && <DeleteUser user={user} onClose={() => setDeleting(false)} />}
    </Group>
  )
}

function Shown({ user, onChange }: { user: User; onChange: () => void }) {
  const { known } = useGroups()
  const groups = known?.filter(({ name }) => user.groups.includes(name)).map(({ id }) => id)
  const login = loginOf(user)
  return (
    <>
      <Card withBorder>
        <Stack gap="sm">
          <Text size="sm">{MEANINGS[user.status]}</Text>
          <Facts
            facts={[
              ['Name', user.name],
              ['Address', user.email],
              ['Invited at', user.invitationEmail],
              ['Invited by', user.invitedBy],
              ['Login', login && <code key="login">{login}</code>],
              ['Signed in', user.lastLoginTime === null ? 'never' : <When key="seen" at={user.lastLoginTime} />],
              ['Open sessions', user.openSessions.toLocaleString()],
              ['Id', <code key="id">{user.id}</code>],
            ]}
          />
          <AuditLinks id={user.id} login={login} person />
        </Stack>
      </Card>
      <Stack component="section" gap="sm">
        <Title order={2}>Groups</Title>
        <Text size="sm" c="dimmed">
          As the identity provider told at their last sign-in. Roles come from those that this account knows.
        </Text>
        {user.groups.length === 0 ? (
          <Text size="sm">It named none.</Text>
        ) : (
          <GroupList names={user.groups} known={known} />
        )}
      </Stack>
      <Stack component="section" gap="sm">
        <Title order={2}>Roles</Title>
        <Text size="sm" c="dimmed">
          Given directly, and through groups. What may be done is all of it together.
        </Text>
        {groups ? (
          <Bindings whom={{ kind: 'USER', id: user.id, name: user.username, groups }} onChange={onChange} />
        ) : (
          <Coming height={160} />
        )}
      </Stack>
    </>
  )
}
