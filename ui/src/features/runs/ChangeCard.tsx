import { IconEyeOff, IconHourglass } from '@tabler/icons-react'
import { useMemo, useState } from 'react'

import { Badge, Button, Card, Checkbox, Group, Switch, Table, Text, UnstyledButton } from '~/ui'

import { DEEDS, deedOf } from './changes'
import { COMPUTED, differences, SECRET, type Difference, type Value } from './diff'
import type { Resource } from './RunChanges'

/** More rows than this are asked for: one resource may have thousands of attributes. */
const FIRST = 200

/** One resource, what happens to it, and how its attributes differ. */
export function ChangeCard(props: {
  resource: Resource
  open: boolean
  onOpen: () => void
  chosen: boolean
  onChoose: (on: boolean) => void
}) {
  const { resource, open } = props
  const deed = deedOf(resource.metadata.type)
  const moved = resource.previousAddress && resource.previousAddress !== resource.address
  return (
    <Card withBorder padding="xs">
      <Group gap="sm" wrap="nowrap">
        <Checkbox
          size="xs"
          aria-label={`Choose ${resource.address}`}
          checked={props.chosen}
          onChange={(event) => props.onChoose(event.currentTarget.checked)}
        />
        <UnstyledButton onClick={props.onOpen} aria-expanded={open} flex={1} miw={0}>
          <Group gap="sm" wrap="nowrap">
            <Badge variant="light" color={DEEDS[deed].color} miw={84} style={{ flexShrink: 0 }}>
              {DEEDS[deed].sign} {deed}
            </Badge>
            <Text ff="monospace" size="sm" fw={600} flex={1} style={{ overflowWrap: 'anywhere' }}>
              {moved ? `${resource.previousAddress} → ${resource.address}` : resource.address}
            </Text>
            <Text size="xs" c="dimmed" aria-hidden>
              {open ? '▾' : '▸'}
            </Text>
          </Group>
        </UnstyledButton>
      </Group>
      {open && <Attributes resource={resource} />}
    </Card>
  )
}

function Attributes({ resource }: { resource: Resource }) {
  const { before, after } = resource.metadata
  const [same, setSame] = useState(false)
  const [most, setMost] = useState(FIRST)
  const all = useMemo(() => differences(before as Value, after as Value), [before, after])
  const other = all.filter((one) => one.kind !== 'same')
  const unchanged = all.length - other.length
  const rows = same ? all : other
  return (
    <>
      {rows.length > 0 ? (
        <Table.ScrollContainer minWidth={420} type="native">
          <Table mt={4} verticalSpacing={2} aria-label={`Attributes of ${resource.address}`} layout="fixed">
            <Table.Thead>
              <Table.Tr>
                <Table.Th w="30%">Attribute</Table.Th>
                <Table.Th>Before</Table.Th>
                <Table.Th>After</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.slice(0, most).map((one) => (
                <Table.Tr key={one.path}>
                  <Table.Td>
                    <Text ff="monospace" size="xs" style={{ overflowWrap: 'anywhere' }}>
                      {one.path}
                    </Text>
                  </Table.Td>
                  <Side value={one.before} kind={one.kind} gone />
                  <Side value={one.after} kind={one.kind} />
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      ) : (
        <Text size="xs" c="dimmed" mt={4}>
          {all.some((one) => one.after === SECRET)
            ? 'No attribute that is shown changes; secrets are not compared here.'
            : 'No attribute changes.'}
        </Text>
      )}
      {rows.length > most && (
        <Button variant="subtle" size="compact-xs" onClick={() => setMost(most * 10)}>
          Show more of {rows.length.toLocaleString()} attributes
        </Button>
      )}
      {unchanged > 0 && (
        <Switch
          mt={4}
          size="xs"
          label={`Show ${unchanged.toLocaleString()} unchanged`}
          checked={same}
          onChange={(event) => setSame(event.currentTarget.checked)}
        />
      )}
    </>
  )
}

const MARKS = {
  [SECRET]: { words: 'secret', icon: IconEyeOff, title: 'The value is a secret, and never leaves the worker.' },
  [COMPUTED]: { words: 'known after apply', icon: IconHourglass, title: 'The value is known after the apply.' },
} as const

function Side({ value, kind, gone = false }: { value: Difference['before']; kind: Difference['kind']; gone?: boolean }) {
  const mark = value === SECRET || value === COMPUTED ? MARKS[value] : undefined
  const color = kind === 'same' ? 'dimmed' : gone ? 'red' : 'green'
  return (
    <Table.Td>
      {mark ? (
        <Group gap={4} wrap="nowrap" title={mark.title} c="dimmed">
          <mark.icon size={13} aria-hidden />
          <Text size="xs" fs="italic">
            {mark.words}
          </Text>
        </Group>
      ) : (
        value !== undefined && (
          <Text ff="monospace" size="xs" c={color} style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
            {value}
          </Text>
        )
      )}
    </Table.Td>
  )
}
