import { IconPlus } from '@tabler/icons-react'
import { useMemo } from 'react'
import { Link } from 'react-router'
import { useQuery } from 'urql'

import type { ResultOf } from '~/graphql/gql'
import { useCalm } from '~/graphql/calm'
import { ACTIVITY, CALM } from '~/graphql/following'
import { useSignals } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { send } from '~/graphql/quiet'
import { useCommands } from '~/lib/commands'
import { to } from '~/lib/paths'
import { asked, askedValues, narrowed } from '~/list/asked'
import { Listing, type Bulk, type Filter, type Value } from '~/list/Listing'
import { NoneFit } from '~/list/NoneFit'
import { SIZES, useView, type View } from '~/list/view'
import { wordOf } from '~/runs/RunState'
import { Button, Empty, Group, Stack, Title, Trouble, type Fault } from '~/ui'

import { ACTIONS } from './bulk'
import { COLUMNS } from './columns'
import { BOOLEANS, FIELDS, StacksQuery, ValuesQuery, type Row } from './list'

const USUAL = { field: 'name', descending: false }

const TITLES: Record<(typeof FIELDS)[number], string> = {
  state: 'State',
  label: 'Label',
  space: 'Space',
  repository: 'Repository',
  branch: 'Branch',
  vendor: 'Tool',
  workerPool: 'Worker pool',
  locked: 'Lock',
  starred: 'Star',
  isDisabled: 'Disabled',
}

const EXTRA: ReadonlySet<string> = new Set(['branch', 'vendor', 'workerPool', 'starred', 'isDisabled'])

/** Every stack there is, by what people look for. */
export default function StacksPage() {
  const looking = useView()
  const { view } = looking
  const [{ data, error, stale }, ask] = useQuery({ query: StacksQuery, variables: { input: input(view) } })
  const values = useValues(view, data === undefined)
  const again = () => {
    ask({ requestPolicy: 'network-only' })
    values.again()
  }
  useSignals(ACTIVITY, useCalm(again, CALM))

  const { change } = looking
  const clears = narrowed(view)
  const commands = useMemo(
    () => (clears ? [{ id: 'clear', label: 'Show all stacks', act: () => change({ text: '', filters: {} }) }] : []),
    [clears, change],
  )
  useCommands(commands)

  const bulk: Bulk<Row> = {
    actions: ACTIONS,
    noun: ['stack', 'stacks'],
    everything: (told) => everything(view, told),
    after: again,
  }
  const create = (
    <Button component={Link} to={to.newStack()} leftSection={<IconPlus size={16} aria-hidden />}>
      Create stack
    </Button>
  )
  return (
    <Stack gap="md" aria-busy={stale}>
      <Group justify="space-between">
        <Title order={1}>Stacks</Title>
        {create}
      </Group>
      {error && <Trouble title="The stacks could not be loaded" {...problemOf(error)} />}
      {(data || !error) && (
        <Listing
          name="Stacks"
          hint="Name, description, label"
          columns={COLUMNS}
          filters={values.filters}
          rows={data?.searchStacks.edges.map((edge) => edge.node)}
          keyOf={(stack) => stack.id}
          nameOf={(stack) => stack.name}
          looking={looking}
          saved="stacks"
          page={data?.searchStacks.pageInfo}
          total={values.total}
          bulk={bulk}
          empty={<Nothing looking={looking} create={create} />}
        />
      )}
    </Stack>
  )
}

function input(view: View) {
  return asked(view, BOOLEANS, { usual: USUAL })
}

function Nothing({ looking, create }: { looking: ReturnType<typeof useView>; create: React.ReactNode }) {
  return narrowed(looking.view) ? (
    <NoneFit title="No stack fits" looking={looking}>
      Other words or fewer filters may find it.
    </NoneFit>
  ) : (
    <Empty title="No stack yet" action={create}>
      A stack joins a directory of a Git repository to the infrastructure that it describes, and to the
      state of it.
    </Empty>
  )
}

/** What the list can be narrowed by; counted after the list itself is there. */
function useValues(view: View, pause: boolean) {
  const wanted = askedValues(view, FIELDS, { booleans: BOOLEANS })
  const [{ data }, ask] = useQuery({ query: ValuesQuery, variables: { input: wanted }, pause })
  const found = data?.searchStacksSuggestions
  const filters = useMemo(
    () =>
      FIELDS.map((field): Filter => {
        const facet = found?.fields.find((one) => one.field === field)
        return {
          field,
          title: TITLES[field],
          values: facet ? shown(field, facet.values) : [],
          more: facet?.hasMore,
          find: (words) => find(view, field, words),
          ...(EXTRA.has(field) ? { extra: true as const } : {}),
        }
      }),
    [found, view],
  )
  return { filters, total: found?.total, again: () => ask({ requestPolicy: 'network-only' }) }
}

type Facet = ResultOf<typeof ValuesQuery>['searchStacksSuggestions']['fields'][number]

async function find(view: View, field: string, words: string) {
  const { data } = await send(ValuesQuery, {
    input: askedValues(view, [field], { booleans: BOOLEANS, words }),
  })
  const facet = data?.searchStacksSuggestions.fields[0]
  return { values: shown(field, facet?.values ?? []), more: facet?.hasMore ?? false }
}

const WORDS: Partial<Record<string, readonly [yes: string, no: string]>> = {
  locked: ['locked', 'not locked'],
  starred: ['with a star', 'without'],
  isDisabled: ['disabled', 'takes runs'],
}

function shown(field: string, values: Facet['values']): Value[] {
  const words = WORDS[field]
  return values.map(({ value, label, count }) => {
    if (words) return { value, label: words[value === 'true' ? 0 : 1], count }
    return { value, label: field === 'state' ? stateWord(value) : label, count }
  })
}

function stateWord(value: string): string {
  return value === 'NONE' ? 'no run yet' : wordOf(value as Parameters<typeof wordOf>[0])
}

/** All that fits the view, in the largest pages there are; what went wrong, if it did. */
async function everything(view: View, told: (rows: readonly Row[]) => boolean): Promise<Fault | undefined> {
  let after: string | null = null
  for (;;) {
    const page: Awaited<ReturnType<typeof onePage>> =
      // Each page begins where the one before ends.
      // oxlint-disable-next-line no-await-in-loop
      await onePage(view, after)
    if (!page.data) return page.problem
    const { edges, pageInfo } = page.data.searchStacks
    if (!told(edges.map((edge) => edge.node)) || !pageInfo.hasNextPage) return undefined
    after = pageInfo.endCursor
  }
}

function onePage(view: View, after: string | null) {
  return send(StacksQuery, { input: { ...input(view), first: SIZES.at(-1) ?? null, after } })
}
