import { Link, useParams } from 'react-router'

import { to } from '~/lib/paths'
import { Anchor, Breadcrumbs, Stack, Text, Title } from '~/ui'

import StateHistory from './StateHistory'

/** The state history as a page of its own. */
export default function StatePage() {
  const { stackId = '' } = useParams()
  return (
    <Stack gap="md">
      <Breadcrumbs>
        <Anchor component={Link} to={to.stacks()}>
          Stacks
        </Anchor>
        <Text span>{stackId}</Text>
      </Breadcrumbs>
      <Title order={1}>{stackId}</Title>
      <StateHistory />
    </Stack>
  )
}
