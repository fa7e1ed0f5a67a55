import { Link } from 'react-router'

import { useSession } from '~/graphql/session'
import { to } from '~/lib/paths'
import { Anchor, Card, Facts, Group, Stack, Title, When } from '~/ui'

/** Who is signed in. */
export default function Profile() {
  const { viewer, name } = useSession()
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
            <Anchor component={Link} to={to.accountTab('rights')} size="sm">
              What you may do, and why
            </Anchor>
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
    </Stack>
  )
}
