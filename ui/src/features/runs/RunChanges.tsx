import { useMemo, useState } from 'react'
import { useMutation, useQuery } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import {
  Action,
  Badge,
  Card,
  Checkbox,
  Coming,
  Empty,
  Group,
  MultiSelect,
  Stack,
  Switch,
  Table,
  Text,
  TextInput,
  Trouble,
  tell,
  warn,
  type MantineColor,
} from '~/ui'

import { COMPUTED, differences, SECRET, type Difference, type Value } from './diff'

const ChangesQuery = graphql(`
  query Changes($stack: ID!, $run: ID!) {
    stack(id: $stack) {
      id
      run(id: $run) {
        id
        state
        changesV3(input: {}) {
          resources {
            address
            previousAddress
            metadata {
              type
              resourceType
              before
              after
            }
          }
        }
      }
    }
  }
`)

const ReplanMutation = graphql(`
  mutation Replan($stack: ID!, $run: ID!, $targets: [String!]!) {
    runTargetedReplan(stack: $stack, run: $run, targets: $targets) {
      id
      state
    }
  }
`)

type Resource = NonNullable<
  NonNullable<ResultOf<typeof ChangesQuery>['stack']>['run']
>['changesV3'][number]['resources'][number]

const LOOK: Record<string, { sign: string; color: MantineColor; word: string }> = {
  add: { sign: '+', color: 'green', word: 'add' },
  create: { sign: '+', color: 'green', word: 'add' },
  change: { sign: '~', color: 'yellow', word: 'change' },
  update: { sign: '~', color: 'yellow', word: 'change' },
  delete: { sign: '−', color: 'red', word: 'delete' },
  replace: { sign: '±', color: 'orange', word: 'replace' },
  import: { sign: '↓', color: 'blue', word: 'import' },
  move: { sign: '→', color: 'gray', word: 'move' },
  forget: { sign: '×', color: 'gray', word: 'forget' },
}

const lookOf = (type: string) => LOOK[type.toLowerCase()] ?? { sign: '·', color: 'gray', word: type.toLowerCase() }

/** What the newest plan does, resource by resource; some can be chosen, and planned alone. */
export default function RunChanges(props: { stack: string; run: string }) {
  const [{ data, error }] = useQuery({ query: ChangesQuery, variables: props })
  const [text, setText] = useState('')
  const [types, setTypes] = useState<string[]>([])
  const [actions, setActions] = useState<string[]>([])
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const run = data?.stack?.run
  const all = useMemo(() => run?.changesV3.flatMap((part) => part.resources) ?? [], [run])

  if (error) return <Trouble title="The changes could not be loaded" {...problemOf(error)} />
  if (!run) return <Coming height={320} />
  if (all.length === 0) {
    return <Empty title="Nothing changes">The infrastructure is as the code says it should be.</Empty>
  }
  const shown = all.filter(
    (one) =>
      one.address.toLowerCase().includes(text.toLowerCase()) &&
      (types.length === 0 || types.includes(one.metadata.resourceType)) &&
      (actions.length === 0 || actions.includes(lookOf(one.metadata.type).word)),
  )
  const choose = (address: string, on: boolean) => {
    const next = new Set(chosen)
    if (on) next.add(address)
    else next.delete(address)
    setChosen(next)
  }
  return (
    <Stack gap="sm">
      <Group gap="xs" align="flex-end">
        <TextInput
          label="Address"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          placeholder="module.network"
        />
        <MultiSelect
          label="Type"
          data={[...new Set(all.map((one) => one.metadata.resourceType))].toSorted()}
          value={types}
          onChange={setTypes}
          clearable
        />
        <MultiSelect
          label="Action"
          data={[...new Set(all.map((one) => lookOf(one.metadata.type).word))]}
          value={actions}
          onChange={setActions}
          clearable
        />
        <Replan {...props} state={run.state} chosen={[...chosen]} onDone={() => setChosen(new Set())} />
      </Group>
      <Text size="sm" c="dimmed" role="status">
        {shown.length} of {all.length} resources
      </Text>
      {shown.map((one) => (
        <ResourceCard
          key={one.address}
          resource={one}
          chosen={chosen.has(one.address)}
          onChoose={(on) => choose(one.address, on)}
        />
      ))}
    </Stack>
  )
}

function Replan(props: {
  stack: string
  run: string
  state: string
  chosen: string[]
  onDone: () => void
}) {
  const [asking, replan] = useMutation(ReplanMutation)
  const why =
    props.state !== 'UNCONFIRMED'
      ? 'Only a plan that waits to be confirmed can be made again for some resources.'
      : props.chosen.length === 0
        ? 'Choose the resources first.'
        : undefined
  return (
    <Action
      variant="default"
      loading={asking.fetching}
      why={why}
      onClick={() =>
        void replan({ stack: props.stack, run: props.run, targets: props.chosen }).then((result) => {
          if (result.error) return warn('Not planned again', problemOf(result.error).sentence)
          props.onDone()
          return tell(`Planning again for ${props.chosen.length} resources`)
        })
      }
    >
      Plan these alone{props.chosen.length > 0 ? ` (${props.chosen.length})` : ''}
    </Action>
  )
}

function ResourceCard(props: { resource: Resource; chosen: boolean; onChoose: (on: boolean) => void }) {
  const { resource } = props
  const { metadata } = resource
  const [whole, setWhole] = useState(false)
  const look = lookOf(metadata.type)
  const found = useMemo(
    () => differences(metadata.before as Value, metadata.after as Value),
    [metadata.before, metadata.after],
  )
  const same = found.filter((one) => one.kind === 'same').length
  return (
    <Card withBorder padding="sm">
      <Group gap="sm" wrap="nowrap">
        <Checkbox
          size="xs"
          aria-label={`Choose ${resource.address}`}
          checked={props.chosen}
          onChange={(event) => props.onChoose(event.currentTarget.checked)}
        />
        <Badge variant="light" color={look.color} miw={84}>
          {look.sign} {look.word}
        </Badge>
        <Text ff="monospace" size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {resource.previousAddress && resource.previousAddress !== resource.address
            ? `${resource.previousAddress} → ${resource.address}`
            : resource.address}
        </Text>
      </Group>
      {found.length > 0 && (
        <Table.ScrollContainer minWidth={420} type="native">
          <Table mt="xs" verticalSpacing={3} aria-label={`Attributes of ${resource.address}`}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Attribute</Table.Th>
                <Table.Th>Before</Table.Th>
                <Table.Th>After</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {found
                .filter((one) => whole || one.kind !== 'same')
                .map((one) => (
                  <Table.Tr key={one.path}>
                    <Table.Td>
                      <Text ff="monospace" size="xs">
                        {one.path}
                      </Text>
                    </Table.Td>
                    <Side value={one.before} color={one.kind === 'same' ? 'dimmed' : 'red'} />
                    <Side value={one.after} color={one.kind === 'same' ? 'dimmed' : 'green'} />
                  </Table.Tr>
                ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {same > 0 && (
        <Switch
          mt="xs"
          size="xs"
          label={`Show ${same} unchanged`}
          checked={whole}
          onChange={(event) => setWhole(event.currentTarget.checked)}
        />
      )}
    </Card>
  )
}

function Side({ value, color }: { value: Difference['before']; color: string }) {
  const marked = value === SECRET || value === COMPUTED
  return (
    <Table.Td>
      {value !== undefined && (
        <Text
          ff="monospace"
          size="xs"
          {...(marked ? { fs: 'italic', c: 'dimmed' } : { c: color })}
          style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}
        >
          {value}
        </Text>
      )}
    </Table.Td>
  )
}
