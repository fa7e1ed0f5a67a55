import { Link } from 'react-router'
import { useClient } from 'urql'

import { AUDIT, useFollowing } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { useStanding } from '~/graphql/standing'
import { to } from '~/lib/paths'
import { asked, askedValues, narrowed } from '~/list/asked'
import { Listing, type Column, type Filter } from '~/list/Listing'
import { useView } from '~/list/view'
import { Anchor, Button, Empty, Group, Stack, Text, Title, When } from '~/ui'

import { Chain } from './Chain'
import { EntriesQuery, ValuesQuery, type Entry } from './documents'
import { Export } from './Export'
import { spanOf, textOf } from './span'
import { SpanMenu, spanWords } from './SpanMenu'
import { kindOf, pageOf } from './words'

const TIME = 'createdAt'
const FILTERS = [
  { field: 'actor', title: 'Who' },
  { field: 'action', title: 'Action' },
  { field: 'affectedResourceType', title: 'Kind' },
] as const
/** Filters that only links bring along. */
const LINKED = [
  { field: 'affectedResourceId', title: 'Of' },
  { field: 'relatedResourceId', title: 'Belonging to' },
] as const

const COLUMNS: readonly Column<Entry>[] = [
  {
    key: 'action',
    title: 'Action',
    cell: (one) => (
      <Anchor component={Link} to={to.auditEntry(one.id)} fw={600} size="sm">
        {one.action}
      </Anchor>
    ),
  },
  { key: 'what', title: 'Done to', cell: (one) => <What entry={one} /> },
  {
    key: 'who',
    title: 'Who',
    cell: (one) => (
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {one.actor.username}
      </Text>
    ),
  },
  { key: 'from', title: 'From', cell: (one) => one.remoteIP },
  { key: 'when', title: 'When', order: TIME, cell: (one) => <When at={one.createdAt} /> },
  {
    key: 'sequence',
    title: 'No.',
    number: true,
    cell: (one) => one.sequence?.toLocaleString() ?? 'not sealed yet',
  },
]

function What({ entry }: { entry: Entry }) {
  const page = pageOf(entry)
  const { resourceId } = entry.affectedResource
  return (
    <Text component="div" size="sm">
      {kindOf(entry.affectedResource)}
      {resourceId && (
        <Text size="xs" c="dimmed" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
          {page ? (
            <Anchor component={Link} to={page} inherit>
              {resourceId}
            </Anchor>
          ) : (
            resourceId
          )}
        </Text>
      )}
    </Text>
  )
}

/** What anybody did, the newest first. */
export default function AuditPage() {
  const standing = useStanding()
  return (
    <Stack gap="md">
      <div>
        <Title order={1}>Audit</Title>
        <Text c="dimmed">Everything that anybody changed, and every sign-in.</Text>
      </div>
      {standing && !standing.rootAdmin ? (
        <Empty title="Only administrators see the audit trail">
          You need the right SPACE_ADMIN in the root space.
        </Empty>
      ) : (
        <Trail />
      )}
    </Stack>
  )
}

function Trail() {
  const looking = useView()
  const { view, change } = looking
  const input = asked(view)
  const [{ data, error }] = useFollowing(AUDIT, { query: EntriesQuery, variables: { input } })
  const span = spanOf(view.filters[TIME]?.[0])
  const { [TIME]: _, ...others } = view.filters
  const setSpan = (next: typeof span) => {
    const text = textOf(next)
    change({ filters: text === undefined ? others : { ...others, [TIME]: [text] } })
  }
  return (
    <>
      <Chain />
      {error && !data && <Refused title="The audit trail could not be loaded" error={error} />}
      <Listing
        name="Audit trail"
        hint="Action, who, id"
        columns={COLUMNS}
        filters={useFilters()}
        rows={data?.searchAuditTrailEntries.edges.map(({ node }) => node)}
        keyOf={(one) => one.id}
        nameOf={(one) => one.action}
        looking={looking}
        page={data?.searchAuditTrailEntries.pageInfo}
        aside={
          <Group gap="xs">
            <SpanMenu span={span} onChange={setSpan} />
            <Export input={input} why={data?.searchAuditTrailEntries.edges.length === 0 ? 'Nothing fits.' : undefined} />
          </Group>
        }
        empty={
          <Empty
            title={narrowed(view) ? 'Nothing fits' : 'Nothing was done yet'}
            action={
              narrowed(view) && (
                <Button variant="default" onClick={() => change({ text: '', filters: {} })}>
                  Show all
                </Button>
              )
            }
          >
            {narrowed(view) && 'Other words, or another time, may find it.'}
          </Empty>
        }
      />
    </>
  )
}

/** The filters, with the values that occur; and what links and times narrow by, in words. */
function useFilters(): Filter[] {
  const { view } = useView()
  const client = useClient()
  const fields = FILTERS.map(({ field }) => field)
  const [{ data }] = useFollowing(AUDIT, { query: ValuesQuery, variables: { values: askedValues(view, fields) } })
  const shown = FILTERS.map(({ field, title }): Filter => {
    const found = data?.searchAuditTrailEntriesSuggestions.fields.find((one) => one.field === field)
    return {
      field,
      title,
      values: found?.values ?? [],
      more: found?.hasMore,
      find: async (words) => {
        const values = askedValues(view, [field], { words })
        const answer = await client.query(ValuesQuery, { values }, { requestPolicy: 'network-only' })
        const [one] = answer.data?.searchAuditTrailEntriesSuggestions.fields ?? []
        return { values: one?.values ?? [], more: one?.hasMore ?? false }
      },
    }
  })
  const silent = [{ field: TIME, title: 'Time' }, ...LINKED].flatMap(({ field, title }): Filter[] => {
    const values = view.filters[field]
    if (!values) return []
    const label = (value: string) => (field === TIME ? spanWords(spanOf(value)) : value)
    return [{ field, title, values: values.map((value) => ({ value, label: label(value) })) }]
  })
  return [...shown, ...silent]
}
