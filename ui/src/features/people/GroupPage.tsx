import { IconPencil, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useParams } from 'react-router'

import { AuditLinks } from '~/access/AuditLinks'
import { Bindings } from '~/access/Bindings'
import { usePeopleQuery } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Action, Anchor, Card, Coming, Empty, Facts, Group, List, Stack, Text, Title, When } from '~/ui'

import { DeleteGroup } from './DeleteGroup'
import { DescribeGroup } from './DescribeGroup'
import { GroupQuery, type Group as Known, type Member } from './documents'
import { STATUSES } from './words'

/** As many members as a page names; the list of users has them all. */
const NAMED = 50

/** A group that lets its members in: who they are, and what it gives them. */
export default function GroupPage() {
  const { groupId = '' } = useParams()
  const [{ data, error }, ask] = usePeopleQuery({ query: GroupQuery, variables: { id: groupId } })
  const group = data?.managedUserGroup
  const members = group ? data.managedUsers.filter(({ groups }) => groups.includes(group.groupName)) : []
  const keys = group ? data.apiKeys.filter(({ teams }) => teams.includes(group.groupName)) : []
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        <Anchor component={Link} to={to.groups()} size="sm">
          All groups
        </Anchor>
        {!group && <Title order={1}>Group</Title>}
        {error && !group && <Refused title="The group could not be loaded" error={error} />}
        {!data && !error && <Coming height={420} />}
        {data && !group && !error && (
          <Empty title="There is no such group">It was deleted: its members are not let in by it any more.</Empty>
        )}
        {group && <Head group={group} members={members.length} keys={keys.length} />}
      </Stack>
      {group && (
        <>
          <Card withBorder>
            <Stack gap="sm">
              <Facts
                facts={[
                  ['Heard from', group.identityProvider ?? 'nobody yet: no member has signed in'],
                  ['A member signed in', group.lastLoginTime && <When key="seen" at={group.lastLoginTime} />],
                  ['Id', <code key="id">{group.id}</code>],
                ]}
              />
              <AuditLinks id={group.id} />
            </Stack>
          </Card>
          <Members group={group} members={members} />
          {keys.length > 0 && (
            <Stack component="section" gap="sm">
              <Title order={2}>API keys in it</Title>
              <List size="sm">
                {keys.map(({ id, name }) => (
                  <List.Item key={id}>
                    <Anchor component={Link} to={to.apiKey(id)} inherit>
                      {name}
                    </Anchor>
                  </List.Item>
                ))}
              </List>
            </Stack>
          )}
          <Stack component="section" gap="sm">
            <Title order={2}>Roles</Title>
            <Text size="sm" c="dimmed">
              Every member has them, from their next request on.
            </Text>
            <Bindings
              whom={{ kind: 'GROUP', id: group.id, name: group.groupName }}
              onChange={() => ask({ requestPolicy: 'network-only' })}
            />
          </Stack>
        </>
      )}
    </Stack>
  )
}

function Head({ group, members, keys }: { group: Known; members: number; keys: number }) {
  const [open, setOpen] = useState<'describe' | 'delete'>()
  return (
    <Group justify="space-between" align="flex-start">
      <div>
        <Title order={1} style={{ overflowWrap: 'anywhere' }}>
          {group.groupName}
        </Title>
        {group.description && <Text c="dimmed">{group.description}</Text>}
      </div>
      <Group gap="xs">
        <Action
          variant="default"
          leftSection={<IconPencil size={16} aria-hidden />}
          hint="The name is the identity provider's, and stays"
          onClick={() => setOpen('describe')}
        >
          Describe
        </Action>
        <Action
          variant="light"
          color="red"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={() => setOpen('delete')}
        >
          Delete
        </Action>
      </Group>
      {open === 'describe' && <DescribeGroup group={group} onClose={() => setOpen(undefined)} />}
      {open === 'delete' && (
        <DeleteGroup group={group} members={members} keys={keys} onClose={() => setOpen(undefined)} />
      )}
    </Group>
  )
}

function Members({ group, members }: { group: Known; members: readonly Member[] }) {
  return (
    <Stack component="section" gap="sm">
      <Title order={2}>Members</Title>
      <Text size="sm" c="dimmed">
        Users of whom the identity provider named the group, at their last sign-in. Others may be in it who have not
        come yet.
      </Text>
      {members.length === 0 ? (
        <Text size="sm">Nobody has come with it yet.</Text>
      ) : (
        <List size="sm">
          {members.slice(0, NAMED).map((one) => (
            <List.Item key={one.id}>
              <Anchor component={Link} to={to.user(one.id)} inherit style={{ overflowWrap: 'anywhere' }}>
                {one.username}
              </Anchor>{' '}
              <Text span size="xs" c="dimmed">
                {one.lastLoginTime === null ? STATUSES[one.status] : <When at={one.lastLoginTime} />}
              </Text>
            </List.Item>
          ))}
        </List>
      )}
      {members.length > NAMED && (
        <Anchor component={Link} to={`${to.users()}?f.group=${encodeURIComponent(group.groupName)}`} size="sm">
          All {members.length.toLocaleString()}
        </Anchor>
      )}
    </Stack>
  )
}
