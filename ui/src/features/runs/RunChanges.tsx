import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { useSearchParams } from 'react-router'
import { useQuery } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { Button, Coming, Empty, Group, MultiSelect, Stack, Switch, Text, TextInput, Trouble } from '~/ui'

import { ChangeCard } from './ChangeCard'
import { counted, DEEDS, fitting } from './changes'
import { Replan } from './Replan'

const ChangesQuery = graphql(`
  query Changes($stack: ID!, $run: ID!) {
    stack(id: $stack) {
      id
      run(id: $run) {
        id
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

export type Resource = NonNullable<
  NonNullable<ResultOf<typeof ChangesQuery>['stack']>['run']
>['changesV3'][number]['resources'][number]

/** Plans of more than this are shown as a list first: nobody reads a thousand differences in a row. */
const FEW = 20
/** A closed card with its gap; open ones are measured. */
const CARD_PX = 56

interface ChangesProps {
  stack: string
  run: string
  /** Changes with every step of the run: a new plan has other changes. */
  version: number
  /** Whether a plan has been made, or may still come. */
  planned: boolean
  targets: readonly string[]
  whyNoReplan: string | undefined
}

/** What the newest plan does, resource by resource; some can be chosen, and planned alone. */
export default function RunChanges({ stack, run, version, planned, targets, whyNoReplan }: ChangesProps) {
  const [{ data, error }, ask] = useQuery({ query: ChangesQuery, variables: { stack, run } })
  const asked = useRef(version)
  useEffect(() => {
    if (asked.current === version) return
    asked.current = version
    ask({ requestPolicy: 'network-only' })
  }, [version, ask])
  const found = data?.stack?.run
  const all = useMemo(() => found?.changesV3.flatMap((part) => part.resources), [found])

  if (error && !all) {
    return <Trouble title="The changes could not be loaded" {...problemOf(error)} />
  }
  if (!all) return <Coming height={320} />
  if (all.length === 0) {
    return planned ? (
      <Empty title="Nothing changes">The infrastructure is as the code says it should be.</Empty>
    ) : (
      <Empty title="No plan yet">What the run changes is shown here as soon as it is planned.</Empty>
    )
  }
  return <List stack={stack} run={run} all={all} targets={targets} whyNoReplan={whyNoReplan} />
}

function List(props: {
  stack: string
  run: string
  all: readonly Resource[]
  targets: readonly string[]
  whyNoReplan: string | undefined
}) {
  const { all } = props
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [looking, change] = useLooking()
  const [open, setOpen] = useState(all.length <= FEW)
  const [other, setOther] = useState<ReadonlySet<string>>(new Set())
  const shown = useMemo(() => fitting(all, looking), [all, looking])
  const types = useMemo(() => [...new Set(all.map((one) => one.metadata.resourceType))].toSorted(), [all])
  // What a newer plan does not change any more cannot be chosen.
  const picked = useMemo(() => all.filter((one) => chosen.has(one.address)), [all, chosen])

  const choose = (some: readonly Resource[], on: boolean) => {
    const next = new Set(chosen)
    for (const { address } of some) {
      if (on) next.add(address)
      else next.delete(address)
    }
    setChosen(next)
  }
  const filtered = shown.length < all.length
  return (
    <Stack gap="sm">
      {props.targets.length > 0 && (
        <Text size="sm" role="note">
          This plan was made for {props.targets.length.toLocaleString()}{' '}
          {props.targets.length === 1 ? 'address' : 'addresses'} only: {props.targets.slice(0, 5).join(', ')}
          {props.targets.length > 5 && ' and others'}. What else the code changes is not part of it.
        </Text>
      )}
      <Group gap={6} role="group" aria-label="Show only">
        {counted(all).map(({ deed, count }) => {
          const on = looking.deeds.includes(deed)
          return (
            <Button
              key={deed}
              size="compact-sm"
              variant={on ? 'filled' : 'default'}
              aria-pressed={on}
              onClick={() =>
                change({ deeds: on ? looking.deeds.filter((one) => one !== deed) : [...looking.deeds, deed] })
              }
            >
              {DEEDS[deed].sign} {count.toLocaleString()} to {deed}
            </Button>
          )
        })}
      </Group>
      <Group gap="xs" align="flex-end">
        <TextInput
          type="search"
          label="Address"
          placeholder="module.network"
          value={looking.text}
          onChange={(event) => change({ text: event.currentTarget.value })}
        />
        <MultiSelect
          label="Type"
          data={types}
          value={[...looking.types]}
          onChange={(next) => change({ types: next })}
          clearable
          searchable
          miw={180}
        />
        <Switch
          label="Show attributes"
          checked={open}
          mb={8}
          onChange={(event) => {
            setOpen(event.currentTarget.checked)
            setOther(new Set())
          }}
        />
      </Group>
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <Text size="sm" c="dimmed" role="status">
            {filtered && `${shown.length.toLocaleString()} of `}
            {all.length.toLocaleString()} {all.length === 1 ? 'resource' : 'resources'}
            {picked.length > 0 && `, ${picked.length.toLocaleString()} chosen`}
          </Text>
          <Button variant="subtle" size="compact-xs" onClick={() => choose(shown, true)}>
            {filtered ? 'Choose all shown' : 'Choose all'}
          </Button>
          {picked.length > 0 && (
            <Button variant="subtle" size="compact-xs" onClick={() => setChosen(new Set())}>
              Choose none
            </Button>
          )}
        </Group>
        <Replan
          stack={props.stack}
          run={props.run}
          all={all}
          chosen={picked}
          why={props.whyNoReplan}
          onDone={() => setChosen(new Set())}
        />
      </Group>
      {shown.length === 0 ? (
        <Empty title="No change fits">
          <Button variant="subtle" onClick={() => change({ text: '', types: [], deeds: [] })}>
            Show all {all.length.toLocaleString()}
          </Button>
        </Empty>
      ) : (
        <Cards
          shown={shown}
          isOpen={(address) => open !== other.has(address)}
          onOpen={(address) => {
            const next = new Set(other)
            if (!next.delete(address)) next.add(address)
            setOther(next)
          }}
          chosen={chosen}
          onChoose={(one, on) => choose([one], on)}
        />
      )}
    </Stack>
  )
}

/** Only the cards near the part of the page that is seen exist. */
function Cards(props: {
  shown: readonly Resource[]
  isOpen: (address: string) => boolean
  onOpen: (address: string) => void
  chosen: ReadonlySet<string>
  onChoose: (one: Resource, on: boolean) => void
}) {
  const { shown } = props
  const list = useRef<HTMLDivElement>(null)
  const [above, setAbove] = useState(0)
  useLayoutEffect(() => {
    const place = () => setAbove((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY)
    place()
    const watch = new ResizeObserver(place)
    watch.observe(document.body)
    return () => watch.disconnect()
  }, [])
  // oxlint-disable-next-line react/incompatible-library -- nothing here is memoized
  const rows = useWindowVirtualizer({
    count: shown.length,
    estimateSize: () => CARD_PX,
    overscan: 6,
    scrollMargin: above,
    getItemKey: (n) => shown[n]?.address ?? n,
  })
  return (
    <div ref={list} role="list" aria-label="Changes" style={{ position: 'relative', height: rows.getTotalSize() }}>
      {rows.getVirtualItems().map((row) => {
        const one = shown[row.index]
        return (
          one && (
            <div
              key={row.key}
              role="listitem"
              aria-setsize={shown.length}
              aria-posinset={row.index + 1}
              data-index={row.index}
              ref={rows.measureElement}
              style={{
                position: 'absolute',
                inset: '0 0 auto',
                paddingBottom: 8,
                transform: `translateY(${row.start - above}px)`,
              }}
            >
              <ChangeCard
                resource={one}
                open={props.isOpen(one.address)}
                onOpen={() => props.onOpen(one.address)}
                chosen={props.chosen.has(one.address)}
                onChoose={(on) => props.onChoose(one, on)}
              />
            </div>
          )
        )
      })}
    </div>
  )
}

/** What is looked for is part of the address, so that it can be sent to somebody. */
function useLooking() {
  const [params, setParams] = useSearchParams()
  const looking = useMemo(
    () => ({ text: params.get('q') ?? '', types: params.getAll('type'), deeds: params.getAll('action') }),
    [params],
  )
  const change = (some: Partial<typeof looking>) => {
    const next = { ...looking, ...some }
    setParams(
      [
        ...(next.text ? [['q', next.text] as [string, string]] : []),
        ...next.types.map((one): [string, string] => ['type', one]),
        ...next.deeds.map((one): [string, string] => ['action', one]),
      ],
      { replace: true, preventScrollReset: true },
    )
  }
  return [looking, change] as const
}
