import { Link, useNavigate, useParams } from 'react-router'

import { useAccountQuery } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Anchor, Card, Coming, Empty, Grid, Stack, Text, Title } from '~/ui'

import { TreeQuery } from './documents'
import { SpaceDetails } from './SpaceDetails'
import { SpaceTree } from './SpaceTree'

/** The tree of spaces, and beside it the one that is chosen. */
export default function SpacesPage() {
  const { spaceId } = useParams()
  const go = useNavigate()
  const [{ data, error }, ask] = useAccountQuery({ query: TreeQuery })
  const again = () => ask({ requestPolicy: 'network-only' })
  if (error && !data) {
    return (
      <>
        <Title order={1}>Spaces</Title>
        <Refused title="The spaces could not be loaded" error={error} />
      </>
    )
  }
  const chosen = data?.spaces.find(({ id }) => id === spaceId)
  return (
    <Stack gap="md">
      {spaceId === undefined && <Heading />}
      {!data && <Coming height={400} />}
      {data && (
        <Grid gap="xl">
          <Grid.Col span={{ base: 12, sm: 4, lg: 3 }} {...(spaceId === undefined ? {} : { visibleFrom: 'sm' })}>
            {spaceId !== undefined && (
              <Text fw={600} mb="xs">
                Spaces
              </Text>
            )}
            <SpaceTree spaces={data.spaces} chosen={spaceId} onChoose={(id) => void go(to.space(id))} />
          </Grid.Col>
          <Grid.Col span={{ base: 12, sm: 8, lg: 9 }}>
            {spaceId === undefined && <Explained />}
            {spaceId !== undefined && (
              <Anchor component={Link} to={to.spaces()} size="sm" hiddenFrom="sm">
                All spaces
              </Anchor>
            )}
            {chosen && <SpaceDetails key={chosen.id} tree={data} space={chosen} onChange={again} />}
            {spaceId !== undefined && !chosen && <Gone />}
          </Grid.Col>
        </Grid>
      )}
    </Stack>
  )
}

function Heading() {
  return (
    <div>
      <Title order={1}>Spaces</Title>
      <Text c="dimmed">Every stack, context and worker pool is in one space; rights are given by space.</Text>
    </div>
  )
}

function Explained() {
  return (
    <Card withBorder maw={620}>
      <Stack gap="xs">
        <Text size="sm">
          <b>Roles flow down.</b> Whoever has a role in a space has it in every space beneath.
        </Text>
        <Text size="sm">
          <b>Use flows down where a space inherits.</b> Its stacks may then use the contexts and worker pools of the
          space above, and whoever has a role in it sees the space above.
        </Text>
        <Text size="sm" c="dimmed">
          Choose a space to see what is in it, who has which role there, and what can be done with it.
        </Text>
      </Stack>
    </Card>
  )
}

function Gone() {
  return (
    <>
      <Title order={1}>Space</Title>
      <Empty
        title="There is no such space"
        action={
          <Anchor component={Link} to={to.spaces()}>
            All spaces
          </Anchor>
        }
      >
        It was deleted, or you may not see it.
      </Empty>
    </>
  )
}
