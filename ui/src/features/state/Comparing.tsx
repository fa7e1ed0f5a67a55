import { useEffect, useRef, useState } from 'react'
import { useClient, type CombinedError } from 'urql'

import { problemOf } from '~/graphql/problem'
import { figure } from '~/lib/numbers'
import { useInAddress, useTyped } from '~/list/address'
import {
  Badge,
  Button,
  Coming,
  Empty,
  Group,
  SegmentedControl,
  Stack,
  Text,
  TextInput,
  Trouble,
  type MantineColor,
} from '~/ui'

import { Differences } from './Differences'
import { CheckImportQuery, CompareQuery, CompareUnsavedQuery, type Comparison, type Difference } from './documents'

/** What is compared: two states of the stack, or its current one with something else. */
export type Source =
  | { kind: 'versions'; before: string | undefined; after: string }
  | { kind: 'unsaved'; run: string }
  | { kind: 'file'; state: string }

/** Resources on one page: some screens, and an answer that stays small. */
const PAGE = 50

const KINDS = [
  { value: '', label: 'All' },
  { value: 'ADDED', label: 'Added' },
  { value: 'CHANGED', label: 'Changed' },
  { value: 'REMOVED', label: 'Removed' },
]

interface ComparingProps {
  stack: string
  source: Source
  /** What the two sides are called: "serial 3". */
  before: string
  after: string
  onFound?: ((found: Comparison) => void) | undefined
}

/** Two states side by side. The server compares; what is large comes in pages. */
export function Comparing(props: ComparingProps) {
  const [text, setText, settled] = useTyped('address')
  const [asked, setKind] = useInAddress('difference')
  const kind = KINDS.some(({ value }) => value === asked) ? asked : ''
  const { found, rows, error, busy, more } = useComparison(props.stack, props.source, settled, kind, props.onFound)
  if (error && !found) {
    return <Trouble title="The states could not be compared" {...problemOf(error)} />
  }
  if (!found) return <Coming height={240} />
  const total = found.added + found.removed + found.changed
  return (
    <Stack gap="sm">
      <Group gap="xs" role="status">
        <Count sign="+" count={found.added} word="added" color="green" />
        <Count sign="~" count={found.changed} word="changed" color="yellow" />
        <Count sign="−" count={found.removed} word="removed" color="red" />
        <Text size="sm" c="dimmed">
          {figure(found.same)} the same
        </Text>
      </Group>
      {total > 0 && (
        <Group gap="xs">
          <TextInput
            type="search"
            aria-label="Address"
            placeholder="Address, such as module.network"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            w={{ base: '100%', xs: 280 }}
          />
          <SegmentedControl aria-label="Differences" data={KINDS} value={kind} onChange={setKind} />
        </Group>
      )}
      {error && <Trouble title="The next page could not be loaded" {...problemOf(error)} />}
      {total === 0 ? (
        <Empty title="Nothing is different">
          Both states hold the same resources and outputs, with the same values.
        </Empty>
      ) : rows.length === 0 ? (
        <Empty title="No difference fits">Another address or another kind may find it.</Empty>
      ) : (
        <Differences found={rows} before={props.before} after={props.after} />
      )}
      {found.pageInfo.hasNextPage && (
        <Group justify="center">
          <Button variant="default" loading={busy} onClick={more}>
            Show more: {figure(rows.length)} of {figure(found.found)} shown
          </Button>
        </Group>
      )}
    </Stack>
  )
}


function Count(props: { sign: string; count: number; word: string; color: MantineColor }) {
  return (
    <Badge color={props.count > 0 ? props.color : 'gray'} variant="light">
      {props.sign} {figure(props.count)} {props.word}
    </Badge>
  )
}

interface Pages {
  found: Comparison | undefined
  rows: readonly Difference[]
  error: CombinedError | undefined
  busy: boolean
}

function useComparison(
  stack: string,
  source: Source,
  text: string,
  kind: string,
  onFound: ((found: Comparison) => void) | undefined,
) {
  const client = useClient()
  const [pages, setPages] = useState<Pages>({ found: undefined, rows: [], error: undefined, busy: true })
  const asked = useRef(0)
  const told = useRef(onFound)
  useEffect(() => {
    told.current = onFound
  })

  const ask = async (after: string | null, before: readonly Difference[]) => {
    const number = (asked.current += 1)
    setPages((now) => ({ ...now, busy: true }))
    const input = {
      first: PAGE,
      after,
      text: text || null,
      kinds: kind === '' ? null : [kind as Difference['kind']],
    }
    const { data, error } = await compared(client, stack, source, input)
    // Whatever was asked for later counts.
    if (number !== asked.current) return
    if (!data) return setPages((now) => ({ ...now, error, busy: false }))
    told.current?.(data)
    setPages({
      found: data,
      rows: [...before, ...data.edges.map((edge) => edge.node)],
      error: undefined,
      busy: false,
    })
  }
  // Another file is another place on the page: whoever shows it gives it a key.
  const identity = source.kind === 'versions' ? `${source.before}..${source.after}` : source.kind
  useEffect(() => {
    void ask(null, [])
    // A new question is a new state, or a new filter.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [stack, identity, text, kind])
  return {
    ...pages,
    more: () => void ask(pages.found?.pageInfo.endCursor ?? null, pages.rows),
  }
}

async function compared(
  client: ReturnType<typeof useClient>,
  stack: string,
  source: Source,
  input: { first: number; after: string | null; text: string | null; kinds: Difference['kind'][] | null },
): Promise<{ data: Comparison | undefined; error: CombinedError | undefined }> {
  const fresh = { requestPolicy: 'network-only' } as const
  if (source.kind === 'versions') {
    const { data, error } = await client.query(
      CompareQuery,
      { stack, before: source.before ?? null, after: source.after, input },
      fresh,
    )
    return { data: data?.stackStateComparison, error }
  }
  if (source.kind === 'unsaved') {
    const { data, error } = await client.query(CompareUnsavedQuery, { stack, run: source.run, input }, fresh)
    return { data: data?.stackUnsavedStateComparison, error }
  }
  const { data, error } = await client.query(CheckImportQuery, { stack, state: source.state, input }, fresh)
  return { data: data?.stackStateImportCheck.comparison, error }
}
