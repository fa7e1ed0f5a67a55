import { useEffect, useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { useMutation, useQuery } from 'urql'

import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Alert, Anchor, Coming, Stack, Title, tell } from '~/ui'

import { RoleQuery, UpdateMutation, type Role } from './documents'
import { RoleForm } from './RoleForm'
import { NoRole } from './RolePage'

/** Changes what a role allows, for everybody who has it. */
export default function EditRole() {
  const { roleId = '' } = useParams()
  const [{ data, error }] = useQuery({ query: RoleQuery, variables: { id: roleId } })
  const role = data?.role
  return (
    <Stack maw={980}>
      <Anchor component={Link} to={to.role(roleId)} size="sm">
        Back to the role
      </Anchor>
      {role ? (
        <Editing key={role.id} role={role} />
      ) : data ? (
        <NoRole />
      ) : (
        <>
          <Title order={1}>Edit a role</Title>
          {error ? <Refused title="The role could not be loaded" error={error} /> : <Coming height={400} />}
        </>
      )}
    </Stack>
  )
}

function Editing({ role }: { role: Role }) {
  const go = useNavigate()
  const [{ fetching, error }, update] = useMutation(UpdateMutation)
  const [done, setDone] = useState(false)
  useEffect(() => {
    // Once the form knows that it is saved, and does not ask whether to leave.
    if (done) void go(to.role(role.id))
  }, [done, go, role.id])
  if (role.isSystem) {
    return (
      <>
        <Title order={1}>{role.name}</Title>
        <Alert color="gray" title="A role of the system">
          It is the same in every installation, and nobody changes it. Create a role of your own instead.
        </Alert>
      </>
    )
  }
  const given = role.roleBindingsCount
  return (
    <>
      <Title order={1}>Edit role {role.name}</Title>
      <RoleForm
        before={role}
        verb="Save"
        refusal="The role was not changed"
        back={to.role(role.id)}
        busy={fetching}
        error={error}
        done={done}
        onSubmit={({ name, description, actions }) =>
          void update({ id: role.id, input: { name, description, actions: [...actions] } }).then(({ data }) => {
            if (!data) return
            tell(`Role ${data.roleUpdate.name} is changed`, 'It counts from the next request on.')
            setDone(true)
          })
        }
      >
        {given > 0 && (
          <Alert color="yellow" title={`It is given ${given === 1 ? 'once' : `${given} times`}`}>
            Everybody who has it may do what is chosen here, and nothing else of it, from the next request on.
          </Alert>
        )}
      </RoleForm>
    </>
  )
}
