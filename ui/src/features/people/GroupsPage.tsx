import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'react-router'

import { useAccountQuery } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { useStanding } from '~/graphql/standing'
import { to } from '~/lib/paths'
import { narrowed } from '~/list/asked'
import { Listing, type Column } from '~/list/Listing'
import { NoneFit } from '~/list/NoneFit'
import { localPage, type Local } from '~/list/local'
import { useView } from '~/list/view'
import { Action, Anchor, Empty, Stack, Text, When } from '~/ui'

import { GroupsQuery, type GroupRow } from './documents'
import { NewGroup } from './NewGroup'
import { OnlyRoot } from './OnlyRoot'
import { counted } from './words'

const COLUMNS: readonly Column<GroupRow>[] = [
  {
    key: 'group',
    title: 'Group',
    order: 'groupName',
    cell: (one) => (
      <div>
        <Anchor component={Link} to={to.group(one.id)} fw={600} style={{ overflowWrap: 'anywhere' }}>
          {one.groupName}
        </Anchor>
        {one.description && (
          <Text size="xs" c="dimmed" lineClamp={2}>
            {one.description}
          </Text>
        )}
      </div>
    ),
  },
  {
    key: 'members',
    title: 'Members',
    order: 'memberCount',
    cell: (one) => (one.memberCount === 0 ? 'nobody has come with it' : counted(one.memberCount, 'user')),
  },
  {
    key: 'roles',
    title: 'Roles',
    cell: (one) => (one.spaceCount === 0 ? 'none' : `in ${counted(one.spaceCount, 'space')}`),
  },
  { key: 'provider', title: 'Heard from', cell: (one) => one.identityProvider ?? '' },
  {
    key: 'seen',
    title: 'A member signed in',
    order: 'lastLoginTime',
    cell: (one) => (one.lastLoginTime === null ? 'never' : <When at={one.lastLoginTime} />),
  },
]

const HOW: Local<GroupRow> = {
  text: (one) => [one.groupName, one.description, one.id],
  filters: [],
  orders: {
    groupName: (one) => one.groupName,
    memberCount: (one) => one.memberCount,
    lastLoginTime: (one) => one.lastLoginTime,
  },
}

/** Every group whose members are let in. */
export default function GroupsPage() {
  const standing = useStanding()
  if (!standing) return null
  return standing.rootAdmin ? <Groups /> : <OnlyRoot what="groups" />
}

function Groups() {
  const looking = useView()
  const { view } = looking
  const [making, setMaking] = useState(false)
  const [{ data, error }, ask] = useAccountQuery({ query: GroupsQuery })
  const shown = data && localPage(data.managedUserGroups, view, HOW)
  const create = (
    <Action leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setMaking(true)}>
      Create group
    </Action>
  )
  if (error && !data) return <Refused title="The groups could not be loaded" error={error} />
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed" maw={640}>
        Groups of the identity provider that this account knows. Their members are let in without an invitation, and
        have the roles of the group. API keys can be in groups, too.
      </Text>
      <Listing
        name="Groups"
        hint="Name, description, id"
        columns={COLUMNS}
        rows={shown?.rows}
        keyOf={(one) => one.id}
        nameOf={(one) => one.groupName}
        looking={looking}
        page={shown?.page}
        total={shown?.total}
        aside={create}
        empty={
          narrowed(view) ? (
            <NoneFit title="No group fits" looking={looking} />
          ) : (
            <Empty title="No group yet">
              With one, a whole team is let in, and is given its roles at once: name it as the identity provider does.
            </Empty>
          )
        }
      />
      {making && <NewGroup onClose={() => setMaking(false)} onDone={() => ask({ requestPolicy: 'network-only' })} />}
    </Stack>
  )
}
