import { useEffect, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { to } from '~/lib/paths'
import { Anchor, Stack, Text, Title, tell } from '~/ui'

import { CreateMutation } from './documents'
import { RoleForm } from './RoleForm'

const NOTHING = { name: '', description: '', actions: [] }

/** A new role, composed of single actions. */
export default function NewRole() {
  const go = useNavigate()
  const [{ fetching, error }, create] = useMutation(CreateMutation)
  const [made, setMade] = useState<string>()
  useEffect(() => {
    // Once the form knows that it is saved, and does not ask whether to leave.
    if (made !== undefined) void go(to.role(made))
  }, [made, go])
  return (
    <Stack maw={980}>
      <Anchor component={Link} to={to.roles()} size="sm">
        All roles
      </Anchor>
      <div>
        <Title order={1}>Create a role</Title>
        <Text c="dimmed">It allows exactly what is chosen here, wherever it is given.</Text>
      </div>
      <RoleForm
        before={NOTHING}
        verb="Create the role"
        refusal="The role was not made"
        back={to.roles()}
        busy={fetching}
        error={error}
        done={made !== undefined}
        onSubmit={({ name, description, actions }) =>
          void create({ input: { name, description, actions: [...actions] } }).then(({ data }) => {
            if (!data) return
            tell(`Role ${data.roleCreate.name} is made`, 'Nobody has it yet.')
            setMade(data.roleCreate.id)
          })
        }
      />
    </Stack>
  )
}
