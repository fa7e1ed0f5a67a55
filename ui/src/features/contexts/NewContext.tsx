import { useState } from 'react'
import { Link, useNavigate, useSearchParams } from 'react-router'
import { useMutation } from 'urql'

import { Refused } from '~/graphql/Refused'
import { lacking, useRights } from '~/graphql/rights'
import { to } from '~/lib/paths'
import { Action, Anchor, Button, Card, Group, Stack, Text, Title, tell } from '~/ui'

import { ContextFields, lackingOf, type ContextSettings } from './ContextFields'
import { CreateMutation } from './documents'

/** A new context: its name and its place; what it holds comes after. */
export default function NewContext() {
  const go = useNavigate()
  const rights = useRights()
  const [params] = useSearchParams()
  const [{ fetching, error }, create] = useMutation(CreateMutation)
  const [typed, setTyped] = useState<ContextSettings>()
  const first = rights?.find((one) => one.actions.includes('CONTEXT_CREATE'))?.space.id
  const settings = typed ?? { name: '', description: '', labels: [], space: params.get('space') ?? first ?? 'root' }
  const why = lacking(rights, 'CONTEXT_CREATE', settings.space) ?? lackingOf(settings)
  const make = async () => {
    const { name, description, labels, space } = settings
    const { data } = await create({ input: { name, description: description || null, labels, space } })
    if (!data) return
    tell(`Context ${data.contextCreateV2.name} is made`, 'Now put something into it.')
    void go(to.context(data.contextCreateV2.id))
  }
  return (
    <Stack maw={760}>
      <Anchor component={Link} to={to.contexts()} size="sm">
        All contexts
      </Anchor>
      <div>
        <Title order={1}>Create a context</Title>
        <Text c="dimmed">Its variables, files and hooks are put in on its page, once it is made.</Text>
      </div>
      <Card withBorder>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (!why) void make()
          }}
        >
          <Stack>
            <ContextFields settings={settings} onChange={setTyped} />
            {error && <Refused title="The context was not made" error={error} />}
            <Group justify="flex-end">
              <Button component={Link} to={to.contexts()} variant="default">
                Cancel
              </Button>
              <Action type="submit" loading={fetching} why={why}>
                Create the context
              </Action>
            </Group>
          </Stack>
        </form>
      </Card>
    </Stack>
  )
}
