import { Link, useParams } from 'react-router'

import { to } from '~/lib/paths'
import { Anchor, Card, Empty, Facts, Stack, Text, Title, Words } from '~/ui'

import { CODES } from './codes'

/** One code: what it means, and what to do about it. */
export default function ErrorPage() {
  const { code = '' } = useParams()
  const found = CODES.find((one) => one.code === code.toUpperCase())
  const all = (
    <Anchor component={Link} to={to.errors()} size="sm">
      All error codes
    </Anchor>
  )
  if (!found) {
    return (
      <>
        <Title order={1}>Error codes</Title>
        <Empty title={`There is no code ${code}`} action={all}>
          It may be of another release, or mistyped.
        </Empty>
      </>
    )
  }
  return (
    <Stack maw={720}>
      {all}
      <Title order={1} ff="monospace" style={{ overflowWrap: 'anywhere' }}>
        {found.code}
      </Title>
      <Card withBorder>
        <Stack gap="md">
          <section>
            <Title order={2}>What it means</Title>
            {found.meanings.map((meaning) => (
              <Text key={meaning}><Words text={meaning} /></Text>
            ))}
          </section>
          <section>
            <Title order={2}>What to do</Title>
            <Text><Words text={found.remedy} /></Text>
          </section>
          <Facts facts={[['HTTP status', `${found.status}, over GraphQL 200`]]} />
        </Stack>
      </Card>
    </Stack>
  )
}
