import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useNavigate } from 'react-router'

import { useAccountQuery } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { useStanding } from '~/graphql/standing'
import { to } from '~/lib/paths'
import { Action, Anchor, Badge, Coming, Empty, Group, Stack, Table, Text, TextInput } from '~/ui'

import { RolesQuery, type Role } from './documents'

/** Why roles cannot be made or changed; nothing for whoever is admin of the root space. */
export function useNotRoleMaker(): string | undefined {
  const standing = useStanding()
  if (!standing || standing.rootAdmin) return undefined
  return 'You need the right SPACE_ADMIN in the root space for this.'
}

/** Every role there is. */
export default function RolesPage() {
  const go = useNavigate()
  const standing = useStanding()
  const why = useNotRoleMaker()
  const [words, setWords] = useState('')
  const [{ data, error }] = useAccountQuery({ query: RolesQuery })
  const create = (
    <Action leftSection={<IconPlus size={16} aria-hidden />} why={why} onClick={() => void go(to.newRole())}>
      Create role
    </Action>
  )
  if (standing && !standing.adminSomewhere) {
    return (
      <Empty title="Only administrators see roles">
        You need the right SPACE_ADMIN in some space. What you may do yourself is on the page of your account.
      </Empty>
    )
  }
  const found = data?.roles.filter(({ name }) => name.toLowerCase().includes(words.trim().toLowerCase()))
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start">
        <Text size="sm" c="dimmed" maw={560}>
          A role is a set of actions with a name. Giving it in a space lets somebody do them there and in all spaces
          beneath.
        </Text>
        {create}
      </Group>
      {error && !data && <Refused title="The roles could not be loaded" error={error} />}
      {!data && !error && <Coming height={240} />}
      {found && (
        <>
          <TextInput
            type="search"
            aria-label="Find a role"
            placeholder="Find a role"
            value={words}
            onChange={(event) => setWords(event.currentTarget.value)}
            maw={300}
          />
          {found.length === 0 ? <Empty title="No role has these letters" /> : <Roles roles={found} />}
        </>
      )}
    </Stack>
  )
}

function Roles({ roles }: { roles: readonly Role[] }) {
  return (
    <Table.ScrollContainer minWidth={320} type="native">
      <Table aria-label="Roles" verticalSpacing={6} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Role</Table.Th>
            <Table.Th visibleFrom="sm">Kind</Table.Th>
            <Table.Th visibleFrom="sm" ta="right">
              Actions
            </Table.Th>
            <Table.Th ta="right">Given</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {roles.map((role) => (
            <Table.Tr key={role.id}>
              <Table.Td>
                <Anchor component={Link} to={to.role(role.id)} fw={600}>
                  {role.name}
                </Anchor>
                {role.description && (
                  <Text size="xs" c="dimmed" lineClamp={2}>
                    {role.description}
                  </Text>
                )}
              </Table.Td>
              <Table.Td visibleFrom="sm">
                <Badge variant={role.isSystem ? 'light' : 'default'} color="gray" tt="none" fw={500}>
                  {role.isSystem ? "the system's" : 'your own'}
                </Badge>
              </Table.Td>
              <Table.Td visibleFrom="sm" ta="right">
                {role.actions.length}
              </Table.Td>
              <Table.Td ta="right">
                {role.roleBindingsCount === 0 ? 'to nobody' : `${role.roleBindingsCount.toLocaleString()} ×`}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}
