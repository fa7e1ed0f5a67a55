import { Link } from 'react-router'

import { useRights, type ActionName, type Rights } from '~/graphql/rights'
import { useSession } from '~/graphql/session'
import { to } from '~/lib/paths'
import { Anchor, Badge, Card, Coming, Facts, Group, Stack, Text, Title, When } from '~/ui'

const LEVELS = {
  ADMIN: 'everything',
  WRITE: 'read and run',
  READ: 'read',
} as const

/** Who is signed in, and what they may do. */
export default function Profile() {
  const { viewer, name } = useSession()
  const rights = useRights()
  return (
    <Stack maw={820} gap="lg">
      <Card withBorder>
        <Stack gap="sm">
          <Title order={2}>You</Title>
          <Facts
            facts={[
              ['Signed in as', viewer.name || viewer.login],
              ['Login', <code key="login">{viewer.login}</code>],
              ['Kind', viewer.type === 'api_key' ? 'API key' : 'person'],
              ['Session ends', viewer.validUntil > 0 ? <When key="until" at={viewer.validUntil} /> : null],
              ['Account', name],
            ]}
          />
          <Group gap="lg">
            <Anchor component={Link} to={to.accountTab('sessions')} size="sm">
              Your sessions
            </Anchor>
            <Anchor component={Link} to={to.launchpad()} size="sm">
              Launchpad
            </Anchor>
            <Anchor component={Link} to={to.errors()} size="sm">
              Error codes
            </Anchor>
          </Group>
        </Stack>
      </Card>
      <Card withBorder>
        <Stack gap="sm">
          <Title order={2}>Your rights</Title>
          <Text size="sm" c="dimmed">
            Rights are given by space. What you may not do is shown, and says which right it needs.
          </Text>
          {rights ? rights.map((one) => <SpaceRights key={one.space.id} right={one} />) : <Coming height={120} />}
        </Stack>
      </Card>
    </Stack>
  )
}

function SpaceRights({ right }: { right: Rights[number] }) {
  const { space, actions } = right
  return (
    <section>
      <Group gap="xs" mb={6}>
        <Text fw={600}>{space.name}</Text>
        <Badge variant="light">{space.accessLevel ? LEVELS[space.accessLevel] : 'nothing'}</Badge>
        <Text size="sm" c="dimmed">
          {actions.length} {actions.length === 1 ? 'action' : 'actions'}
        </Text>
      </Group>
      <details>
        <summary>Which ones</summary>
        <Facts
          facts={byThing(actions).map(([thing, verbs]) => [
            thing,
            <Text key={thing} size="sm" span>
              {verbs.join(', ')}
            </Text>,
          ])}
        />
      </details>
    </section>
  )
}

/** "STACK_LOCK" is "lock" of "stack": actions by what they act on. */
function byThing(actions: readonly ActionName[]): [string, string[]][] {
  const found = new Map<string, string[]>()
  for (const action of actions) {
    const [thing = '', ...verb] = action.toLowerCase().split('_')
    found.set(thing, [...(found.get(thing) ?? []), verb.join(' ')])
  }
  return [...found]
}
