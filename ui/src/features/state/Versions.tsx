import { IconDotsVertical, IconDownload, IconGitCompare, IconHistory } from '@tabler/icons-react'
import { Link } from 'react-router'
import { useMutation } from 'urql'

import { problemOf } from '~/graphql/problem'
import { size } from '~/lib/bytes'
import { figure } from '~/lib/numbers'
import { to } from '~/lib/paths'
import { narrowed } from '~/list/asked'
import { Listing, type Column, type Filter } from '~/list/Listing'
import type { useView } from '~/list/view'
import { Action, ActionIcon, Anchor, Badge, Button, Empty, Group, Menu, MenuAction, Text, When, warn } from '~/ui'

import { DownloadMutation, type History, type StackOfState, type Version } from './documents'
import { kindOf, pairOf, wayOf } from './words'

export interface Views {
  compare: (pair: string) => void
  rollBack: (version: string) => void
  bring: () => void
}

const FILTERS: readonly Filter[] = [
  {
    field: 'imported',
    title: 'Imported',
    values: [
      { value: 'true', label: 'imported' },
      { value: 'false', label: 'not imported' },
    ],
  },
  {
    field: 'rollback',
    title: 'Rollbacks',
    values: [
      { value: 'true', label: 'rollbacks' },
      { value: 'false', label: 'no rollbacks' },
    ],
  },
]

/** Filters that the server takes as yes or no. */
export const BOOLEANS = ['imported', 'rollback']

/** Every state the stack has had, the newest first. */
export function Versions(props: {
  stack: StackOfState
  history: History
  looking: ReturnType<typeof useView>
  views: Views
}) {
  const { stack, history, views } = props
  const rows = history.edges.map((edge) => edge.node)
  const bring = (
    <Action variant="default" why={history.changeRefusal ?? undefined} onClick={views.bring}>
      Import a state
    </Action>
  )
  return (
    <Listing
      name="States"
      hint="Who, run or version"
      columns={columns(stack, history, rows, views)}
      filters={FILTERS}
      rows={rows}
      keyOf={(version) => version.id}
      nameOf={(version) => `serial ${version.serial}`}
      looking={props.looking}
      page={history.pageInfo}
      aside={bring}
      bulk={bulkOf(history, views)}
      empty={
        narrowed(props.looking.view) ? (
          <Empty title="No state fits">Other words or fewer filters may find it.</Empty>
        ) : (
          <Empty title="No state yet" action={bring}>
            The first run that applies something writes it. If this infrastructure has been managed elsewhere before,
            import its state.
          </Empty>
        )
      }
    />
  )
}

function bulkOf(history: History, views: Views) {
  return (chosen: readonly Version[]) => (
    <Both chosen={chosen} why={history.compareRefusal} onCompare={views.compare} />
  )
}

function Both(props: { chosen: readonly Version[]; why: string | null; onCompare: (pair: string) => void }) {
  const [older, newer] = props.chosen.toSorted((a, b) => a.serial - b.serial)
  const two = props.chosen.length === 2 && older && newer
  return (
    <Action
      size="compact-sm"
      leftSection={<IconGitCompare size={15} aria-hidden />}
      why={props.why ?? (two ? undefined : 'Choose two states, and no more.')}
      onClick={() => two && props.onCompare(pairOf(older.id, newer.id))}
    >
      Compare the two
    </Action>
  )
}

function columns(
  stack: StackOfState,
  history: History,
  rows: readonly Version[],
  views: Views,
): readonly Column<Version>[] {
  const previous = new Map(rows.map((row, n) => [row.id, rows[n + 1]]))
  return [
    {
      key: 'serial',
      title: 'Serial',
      order: 'serial',
      cell: (version) => (
        <Group gap={6} wrap="nowrap">
          <Text size="sm" fw={600} ff="monospace">
            {version.serial}
          </Text>
          {version.id === history.current?.id && (
            <Badge size="sm" color="green" variant="light" style={{ flexShrink: 0 }}>
              current
            </Badge>
          )}
        </Group>
      ),
    },
    { key: 'by', title: 'Came to be', cell: (version) => <By stack={stack} version={version} /> },
    { key: 'when', title: 'When', cell: (version) => <When at={version.lastModified} /> },
    {
      key: 'resources',
      title: 'Resources',
      number: true,
      cell: (version) => (version.resourceCount == null ? <Unknown /> : figure(version.resourceCount)),
    },
    { key: 'size', title: 'Size', number: true, cell: (version) => size(version.size) },
    {
      key: 'terraform',
      title: 'Terraform',
      cell: (version) => version.terraformVersion ?? <Unknown />,
    },
    {
      key: 'lineage',
      title: 'Lineage',
      extra: true,
      cell: (version) => (
        <Text size="xs" ff="monospace">
          {version.lineage}
        </Text>
      ),
    },
    {
      key: 'acts',
      title: 'Actions',
      cell: (version) => (
        <Acts
          stack={stack}
          history={history}
          version={version}
          previous={previous.get(version.id)}
          first={!history.pageInfo.hasNextPage && rows.at(-1)?.id === version.id}
          views={views}
        />
      ),
    },
  ]
}

function Unknown() {
  return (
    <Text size="sm" c="dimmed" span title="It was not noted when this state was kept.">
      –
    </Text>
  )
}

/** Who or what made a state. */
export function By({ stack, version }: { stack: StackOfState; version: Version }) {
  const { run } = version
  if (!run) {
    return (
      <Text size="sm">
        {wayOf(version)}
        {version.createdBy && ` by ${version.createdBy}`}
      </Text>
    )
  }
  return (
    <Text size="sm" lineClamp={2}>
      {kindOf(run)}{' '}
      <Anchor component={Link} to={to.run(stack.id, run.id)} inherit underline="always">
        {run.title || run.id}
      </Anchor>
      {run.triggeredBy && ` by ${run.triggeredBy}`}
    </Text>
  )
}

function Acts(props: {
  stack: StackOfState
  history: History
  version: Version
  previous: Version | undefined
  /** Nothing was before it. */
  first: boolean
  views: Views
}) {
  const { stack, history, version, previous, views } = props
  const [busy, download] = useMutation(DownloadMutation)
  const get = async () => {
    const input = { stackId: stack.id, managedStateVersionId: version.id }
    const { data, error } = await download({ input })
    if (error || !data) return warn('The state was not downloaded', problemOf(error))
    return save(data.stateDownloadUrl.url, `${stack.id}-${version.serial}.tfstate`)
  }
  const current = version.id === history.current?.id
  return (
    <Group gap={4} wrap="nowrap">
      <Action
        size="compact-xs"
        variant="subtle"
        why={
          history.compareRefusal ??
          (previous || props.first ? undefined : 'The one before it is on the next page; choose two states instead.')
        }
        hint={previous ? `With serial ${previous.serial}` : undefined}
        onClick={() => views.compare(pairOf(previous?.id, version.id))}
      >
        {props.first ? 'Show what it holds' : 'What changed'}
      </Action>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`More for serial ${version.serial}`} loading={busy.fetching}>
            <IconDotsVertical size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown maw={320}>
          <MenuAction
            icon={<IconDownload size={15} aria-hidden />}
            why={history.downloadRefusal}
            onClick={() => void get()}
          >
            Download
          </MenuAction>
          <MenuAction
            icon={<IconHistory size={15} aria-hidden />}
            why={current ? 'This is the current state already.' : history.changeRefusal}
            onClick={() => views.rollBack(version.id)}
          >
            Roll back to this state
          </MenuAction>
        </Menu.Dropdown>
      </Menu>
    </Group>
  )
}

function save(address: string, name: string): void {
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
}

/** What was asked for is not there; back to all of them. */
export function Gone({ onBack }: { onBack: () => void }) {
  return (
    <Empty
      title="There is no such state"
      action={
        <Button variant="default" onClick={onBack}>
          All states
        </Button>
      }
    >
      It may have been put right by somebody else just now.
    </Empty>
  )
}
