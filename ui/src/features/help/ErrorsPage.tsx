import { IconSearch } from '@tabler/icons-react'
import { Link, useSearchParams } from 'react-router'

import { to } from '~/lib/paths'
import { Anchor, Card, Empty, Stack, Text, TextInput, Title, Words } from '~/ui'

import { matching } from './codes'

/** Every code of an error, with its meaning and what to do. */
export default function ErrorsPage() {
  const [params, setParams] = useSearchParams()
  const text = params.get('q') ?? ''
  const found = matching(text)
  return (
    <Stack maw={860}>
      <div>
        <Title order={1}>Error codes</Title>
        <Text c="dimmed">
          Messages may change from release to release; codes do not. Programs read them in
          <code> errors[].extensions.code</code>.
        </Text>
      </div>
      <TextInput
        type="search"
        aria-label="Code or words"
        placeholder="Code or words"
        leftSection={<IconSearch size={16} aria-hidden />}
        value={text}
        onChange={(event) => {
          const typed = event.currentTarget.value
          setParams(typed ? { q: typed } : {}, { replace: true })
        }}
        maw={360}
      />
      {found.length === 0 && (
        <Empty title="No code fits">Search for a part of it, or for a word of its meaning.</Empty>
      )}
      {found.map((one) => (
        <Card key={one.code} withBorder padding="sm">
          <Anchor component={Link} to={to.error(one.code)} fw={600} ff="monospace" size="sm">
            {one.code}
          </Anchor>
          <Text size="sm"><Words text={one.meanings.join(' ')} /></Text>
          <Text size="sm" c="dimmed">
            <Words text={one.remedy} />
          </Text>
        </Card>
      ))}
    </Stack>
  )
}
