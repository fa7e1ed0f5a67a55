import { IconArrowsExchange } from '@tabler/icons-react'
import { useState } from 'react'

import { size } from '~/lib/bytes'
import { ActionIcon, Card, Group, Select, SimpleGrid, Stack, Text, Title, Trouble, When } from '~/ui'

import { Comparing } from './Comparing'
import type { Comparison, History, StackOfState, Version } from './documents'
import { By } from './Versions'
import { pairOf, resources } from './words'

/** Two states of the stack, chosen and compared. */
export function Compare(props: {
  stack: StackOfState
  history: History
  pair: { before: string | undefined; after: string }
  onPair: (text: string) => void
}) {
  const { stack, history, pair } = props
  const [found, setFound] = useState<Comparison>()
  const known = new Map(
    [...history.edges.map((edge) => edge.node), found?.before, found?.after]
      .filter((one) => one != null)
      .map((one) => [one.id, one]),
  )
  const before = pair.before ? known.get(pair.before) : undefined
  const after = known.get(pair.after)
  const choices = [...known.values()]
    .toSorted((a, b) => b.serial - a.serial)
    .map((one) => ({ value: one.id, label: `serial ${one.serial}${one.id === history.current?.id ? ' (current)' : ''}` }))
  return (
    <Stack gap="md">
      <Title order={2}>
        {pair.before ? `From ${nameOf(before)} to ${nameOf(after)}` : `What ${nameOf(after)} holds`}
      </Title>
      <Group align="flex-end" gap="xs">
        <Select
          label="From"
          data={[{ value: '', label: 'nothing' }, ...choices]}
          value={pair.before ?? ''}
          onChange={(id) => props.onPair(pairOf(id || undefined, pair.after))}
          allowDeselect={false}
        />
        {pair.before && (
          <ActionIcon
            variant="default"
            size={36}
            aria-label="Swap the two"
            title="Swap the two"
            onClick={() => pair.before && props.onPair(pairOf(pair.after, pair.before))}
          >
            <IconArrowsExchange size={17} />
          </ActionIcon>
        )}
        <Select
          label="To"
          data={choices}
          value={pair.after}
          onChange={(id) => id && props.onPair(pairOf(pair.before, id))}
          allowDeselect={false}
        />
      </Group>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {before && <About stack={stack} version={before} />}
        {after && <About stack={stack} version={after} />}
      </SimpleGrid>
      {history.compareRefusal ? (
        <Trouble title="You cannot compare states here" sentence={history.compareRefusal} />
      ) : (
        <Comparing
          stack={stack.id}
          source={{ kind: 'versions', ...pair }}
          before={nameOf(before)}
          after={nameOf(after)}
          onFound={setFound}
        />
      )}
    </Stack>
  )
}

function nameOf(version: Version | undefined): string {
  return version ? `serial ${version.serial}` : 'nothing'
}

function About({ stack, version }: { stack: StackOfState; version: Version }) {
  return (
    <Card withBorder padding="sm">
      <Text size="sm" fw={600}>
        Serial {version.serial}
      </Text>
      <By stack={stack} version={version} />
      <Text size="sm" c="dimmed">
        <When at={version.lastModified} />
        {version.resourceCount != null && ` · ${resources(version.resourceCount)}`} · {size(version.size)}
        {version.terraformVersion && ` · Terraform ${version.terraformVersion}`}
      </Text>
    </Card>
  )
}
