import { IconPencil, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { useMutation } from 'urql'

import { Allowed } from '~/access/Allowed'
import { Bindings } from '~/access/Bindings'
import { useAccountQuery } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Action, Anchor, Badge, Card, Coming, Confirm, Empty, Facts, Group, Stack, Text, Title, tell } from '~/ui'

import { DeleteMutation, RoleQuery, type Role } from './documents'
import { useNotRoleMaker } from './RolesPage'

/** A role: what it allows, and who has it. */
export default function RolePage() {
  const { roleId = '' } = useParams()
  const [{ data, error }, ask] = useAccountQuery({ query: RoleQuery, variables: { id: roleId } })
  if (error && !data) return <Refused title="The role could not be loaded" error={error} />
  if (!data) return <Coming height={420} />
  if (!data.role) return <NoRole />
  return <Shown role={data.role} onChange={() => ask({ requestPolicy: 'network-only' })} />
}

/** Neither is there a role, or the viewer may not see it. */
export function NoRole() {
  return (
    <>
      <Title order={1}>Role</Title>
      <Empty
        title="There is no such role"
        action={
          <Anchor component={Link} to={to.roles()}>
            All roles
          </Anchor>
        }
      >
        It was deleted, or you may not see it: only administrators of some space see roles.
      </Empty>
    </>
  )
}

function Shown({ role, onChange }: { role: Role; onChange: () => void }) {
  const go = useNavigate()
  const maker = useNotRoleMaker()
  const [deleting, setDeleting] = useState(false)
  const fixed = role.isSystem
    ? 'It is a role of the system: the same in every installation, and nobody changes it.'
    : maker
  const given = role.roleBindingsCount
  const kept =
    fixed ?? (given > 0 ? `It is given ${given === 1 ? 'once' : `${given} times`}. Take it away first.` : undefined)
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        <Anchor component={Link} to={to.roles()} size="sm">
          All roles
        </Anchor>
        <Group justify="space-between" align="flex-start">
          <div>
            <Group gap="xs">
              <Title order={1}>{role.name}</Title>
              {role.isSystem && (
                <Badge variant="light" color="gray" tt="none" fw={500}>
                  the system&apos;s
                </Badge>
              )}
            </Group>
            {role.description && <Text c="dimmed">{role.description}</Text>}
          </div>
          <Group gap="xs">
            <Action
              variant="default"
              leftSection={<IconPencil size={16} aria-hidden />}
              why={fixed}
              onClick={() => void go(to.editRole(role.id))}
            >
              Edit
            </Action>
            <Action
              variant="light"
              color="red"
              leftSection={<IconTrash size={16} aria-hidden />}
              why={kept}
              onClick={() => setDeleting(true)}
            >
              Delete
            </Action>
          </Group>
        </Group>
      </Stack>
      <Card withBorder>
        <Facts
          facts={[
            ['Id', <code key="id">{role.id}</code>],
            ['Slug', <code key="slug">{role.slug}</code>],
            ['Given', given === 0 ? 'to nobody' : given === 1 ? 'once' : `${given.toLocaleString()} times`],
          ]}
        />
      </Card>
      <Stack component="section" gap="sm">
        <Title order={2}>What it allows</Title>
        <Allowed actions={role.actions} />
      </Stack>
      <Stack component="section" gap="sm">
        <Title order={2}>Who has it</Title>
        <Text size="sm" c="dimmed">
          In the spaces that you are administrator of.
        </Text>
        <Bindings role={role.id} onChange={onChange} />
      </Stack>
      {deleting && <Delete role={role} onClose={() => setDeleting(false)} />}
    </Stack>
  )
}

function Delete({ role, onClose }: { role: Role; onClose: () => void }) {
  const go = useNavigate()
  const [{ fetching, error }, remove] = useMutation(DeleteMutation)
  return (
    <Confirm
      opened
      title={`Delete role ${role.name}?`}
      verb="Delete the role"
      dangerous
      busy={fetching}
      onClose={onClose}
      onConfirm={() =>
        void remove({ id: role.id }).then(({ data }) => {
          if (!data) return
          tell(`Role ${role.name} is deleted`)
          void go(to.roles())
        })
      }
    >
      <Stack gap="sm">
        <Text size="sm">
          Nobody has it. Its {role.actions.length === 1 ? 'action' : `set of ${role.actions.length} actions`} cannot be
          brought back.
        </Text>
        {error && <Refused title="The role was not deleted" error={error} />}
      </Stack>
    </Confirm>
  )
}
