import { Link } from 'react-router'

import { graphql, readFragment, type FragmentOf } from '~/graphql/gql'
import { to } from '~/lib/paths'
import type { Filter } from '~/list/Listing'
import { RunState, RunStateFields, wordOf, type RunStateName } from '~/runs/RunState'
import { Anchor, Code, Group, Stack, Text, Took } from '~/ui'

import { useStack } from './here'

/** What a stack's lists of runs and tasks show of each. */
export const RunCellsFields = graphql(
  `
    fragment RunCellsFields on Run {
      id
      type
      title
      command
      branch
      createdAt
      updatedAt
      finished
      triggeredBy
      driftDetection
      waitsFor
      failureReason
      commit {
        hash
        message
        authorName
      }
      delta {
        addCount
        changeCount
        deleteCount
      }
      ...RunStateFields
    }
  `,
  [RunStateFields],
)

export type RunRow = FragmentOf<typeof RunCellsFields>

export function runOf(row: RunRow) {
  return readFragment(RunCellsFields, row)
}

const TYPES = {
  TRACKED: 'run',
  PROPOSED: 'preview',
  TASK: 'task',
  DESTROY: 'destroy',
} as const

export const TYPE_FILTER: Filter = {
  field: 'type',
  title: 'Type',
  values: Object.entries(TYPES).map(([value, label]) => ({ value, label })),
}

const LOOKED_FOR: readonly RunStateName[] = [
  'QUEUED',
  'READY',
  'INITIALIZING',
  'PLANNING',
  'UNCONFIRMED',
  'PENDING_REVIEW',
  'CONFIRMED',
  'APPLYING',
  'DESTROYING',
  'PERFORMING',
  'FINISHED',
  'FAILED',
  'STOPPED',
  'CANCELED',
  'DISCARDED',
]

export function stateFilter(without: readonly RunStateName[] = []): Filter {
  return {
    field: 'state',
    title: 'State',
    values: LOOKED_FOR.filter((state) => !without.includes(state)).map((state) => ({
      value: state,
      label: wordOf(state),
    })),
  }
}

export function wordOfType(run: { type: string; driftDetection: boolean }): string {
  const word = run.type in TYPES ? TYPES[run.type as keyof typeof TYPES] : run.type.toLowerCase()
  return run.driftDetection ? `${word}, drift detection` : word
}

/** What the run is about, leading to it. */
export function TitleCell({ row }: { row: RunRow }) {
  const stack = useStack()
  const run = runOf(row)
  return (
    <Stack gap={0} maw={420} miw={200}>
      <Anchor component={Link} to={to.run(stack.id, run.id)} fw={600} lineClamp={1} title={run.title}>
        {run.title || run.id}
      </Anchor>
      <Text size="xs" c="dimmed">
        {wordOfType(run)}
        {run.branch && run.type === 'PROPOSED' && ` of ${run.branch}`}
      </Text>
    </Stack>
  )
}

/** Where it is; and why it waits or failed, when it does. */
export function StateCell({ row }: { row: RunRow }) {
  const run = runOf(row)
  const more = run.waitsFor ? `It ${run.waitsFor}.` : run.failureReason
  return (
    <Stack gap={2} maw={320} miw={150}>
      <RunState run={run} />
      {more && (
        <Text size="xs" c="dimmed" lineClamp={2} title={more}>
          {more}
        </Text>
      )}
    </Stack>
  )
}

/** How much the plan adds, changes and deletes. */
export function DeltaCell({ row }: { row: RunRow }) {
  const { delta } = runOf(row)
  if (!delta) return null
  const parts = [
    { sign: '+', count: delta.addCount, word: 'to add', color: 'var(--mantine-color-green-text)' },
    { sign: '~', count: delta.changeCount, word: 'to change', color: 'var(--mantine-color-yellow-text)' },
    { sign: '−', count: delta.deleteCount, word: 'to delete', color: 'var(--mantine-color-red-text)' },
  ]
  return (
    <Group gap={8} wrap="nowrap" justify="flex-end">
      {parts.map(({ sign, count, word, color }) => (
        <Text
          key={word}
          span
          size="sm"
          miw={24}
          ta="right"
          title={`${count} ${word}`}
          {...(count > 0 ? { fw: 600, style: { color } } : { c: 'dimmed' })}
        >
          {sign}
          {count}
        </Text>
      ))}
    </Group>
  )
}

export function CommitCell({ row }: { row: RunRow }) {
  const { commit } = runOf(row)
  if (!commit) return <Text size="sm">local workspace</Text>
  return (
    <Stack gap={0} align="flex-start" maw={260} title={`${commit.message}\n${commit.authorName}`}>
      <Code>{commit.hash.slice(0, 8)}</Code>
      <Text size="xs" c="dimmed" lineClamp={1}>
        {commit.authorName}
      </Text>
    </Stack>
  )
}

export function ByCell({ row }: { row: RunRow }) {
  return <Text size="sm">{runOf(row).triggeredBy ?? 'a push'}</Text>
}

/** From its beginning to its end, with the time that it waited. */
export function TookCell({ row }: { row: RunRow }) {
  const run = runOf(row)
  return <Took from={run.createdAt} until={run.finished ? run.updatedAt : null} />
}
