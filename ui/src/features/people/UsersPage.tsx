import { IconUserPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'react-router'

import { usePeopleQuery } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { useStanding } from '~/graphql/standing'
import { to } from '~/lib/paths'
import { narrowed } from '~/list/asked'
import { Listing, type Column } from '~/list/Listing'
import { NoneFit } from '~/list/NoneFit'
import { localPage, type Local } from '~/list/local'
import { useView } from '~/list/view'
import { Action, Anchor, Empty, Labels, Stack, Text, When } from '~/ui'

import { UsersQuery, type UserRow } from './documents'
import { Invite } from './Invite'
import { OnlyRoot } from './OnlyRoot'
import { Strategy } from './Strategy'
import { UserStatus } from './UserStatus'
import { counted, STATUSES } from './words'

/** Groups of a user that a list shows side by side. */
const GROUPS = 3

const COLUMNS: readonly Column<UserRow>[] = [
  {
    key: 'user',
    title: 'User',
    order: 'username',
    cell: (one) => {
      const email = one.email ?? one.invitationEmail
      return (
        <div>
          <Anchor component={Link} to={to.user(one.id)} fw={600} style={{ overflowWrap: 'anywhere' }}>
            {one.username}
          </Anchor>
          {email && email !== one.username && (
            <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
              {email}
            </Text>
          )}
        </div>
      )
    },
  },
  { key: 'status', title: 'Status', cell: (one) => <UserStatus user={one} /> },
  { key: 'method', title: 'Comes with', cell: (one) => one.loginMethod ?? '' },
  { key: 'groups', title: 'Groups', cell: (one) => <Labels labels={one.groups} most={GROUPS} /> },
  {
    key: 'roles',
    title: 'Roles of their own',
    cell: (one) => (one.spaceCount === 0 ? 'none' : `in ${counted(one.spaceCount, 'space')}`),
  },
  {
    key: 'seen',
    title: 'Signed in',
    order: 'lastLoginTime',
    cell: (one) => (one.lastLoginTime === null ? 'never' : <When at={one.lastLoginTime} />),
  },
]

const HOW: Local<UserRow> = {
  text: (one) => [one.username, one.name, one.email, one.invitationEmail, one.id],
  filters: [
    {
      field: 'status',
      title: 'Status',
      of: (one) => [one.status],
      label: (value) => STATUSES[value as UserRow['status']],
    },
    { field: 'group', title: 'Group', of: (one) => one.groups },
    { field: 'loginMethod', title: 'Comes with', of: (one) => (one.loginMethod === null ? [] : [one.loginMethod]) },
  ],
  orders: { username: (one) => one.username, lastLoginTime: (one) => one.lastLoginTime },
}

/** Everybody who was invited, or has come. */
export default function UsersPage() {
  const standing = useStanding()
  if (!standing) return null
  return standing.rootAdmin ? <Users /> : <OnlyRoot what="users" />
}

function Users() {
  const looking = useView()
  const { view } = looking
  const [inviting, setInviting] = useState(false)
  const [{ data, error }, ask] = usePeopleQuery({ query: UsersQuery })
  const again = () => ask({ requestPolicy: 'network-only' })
  const shown = data && localPage(data.managedUsers, view, HOW)
  const providers = Boolean(data?.samlSettings ?? data?.oidcSettings ?? data?.githubSignOnSettings)
  const invite = (
    <Action leftSection={<IconUserPlus size={16} aria-hidden />} onClick={() => setInviting(true)}>
      Invite somebody
    </Action>
  )
  if (error && !data) return <Refused title="The users could not be loaded" error={error} />
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed" maw={640}>
        An identity provider vouches for people; whoever is invited or is in a group of yours is let in. The built-in
        administrator comes from the settings of the installation, and is not listed.
      </Text>
      <Listing
        name="Users"
        hint="Name, address, id"
        columns={COLUMNS}
        filters={shown?.filters ?? []}
        rows={shown?.rows}
        keyOf={(one) => one.id}
        nameOf={(one) => one.username}
        looking={looking}
        page={shown?.page}
        total={shown?.total}
        aside={invite}
        empty={
          narrowed(view) ? (
            <NoneFit title="Nobody fits" looking={looking} />
          ) : (
            <Empty title="Nobody has come yet">
              {providers
                ? 'Invite somebody, or make a group of the identity provider known: its members are let in.'
                : 'Begin with single sign-on, in your account. Then invite somebody.'}
            </Empty>
          )
        }
      />
      {data && <Strategy scheme={data.authorizationScheme} onDone={again} />}
      {inviting && <Invite providers={providers} onClose={() => setInviting(false)} onDone={again} />}
    </Stack>
  )
}
