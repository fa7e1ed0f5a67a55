import { useMemo } from 'react'
import { Link } from 'react-router'

import type { ResultOf } from '~/graphql/gql'
import { useLiveQuery, type Topic } from '~/graphql/live'
import { send } from '~/graphql/quiet'
import { Refused } from '~/graphql/Refused'
import { useStanding } from '~/graphql/standing'
import { to } from '~/lib/paths'
import { asked, askedValues, narrowed } from '~/list/asked'
import { Listing, type Column, type Filter, type Value } from '~/list/Listing'
import { NoneFit } from '~/list/NoneFit'
import { useView, type View } from '~/list/view'
import { Anchor, Badge, Button, Empty, Group, Stack, Text, Title, When } from '~/ui'

import { DismissMany, DismissThese } from './Dismissing'
import { ListQuery, ValuesQuery, type Told } from './documents'
import { ended, groupWords, pageOf } from './words'

const TOPICS: readonly Topic[] = ['notifications']
const STANDING = 'dismissed'
const BOOLEANS = [STANDING] as const
const FIELDS = [STANDING, 'group', 'severity', 'stack', 'space'] as const
const TITLES = { dismissed: 'Standing', group: 'About', severity: 'Severity', stack: 'Stack', space: 'Space' } as const
const COLORS = { ERROR: 'red', WARNING: 'yellow', INFO: 'gray' } as const

/** What went wrong where nobody was looking, for those who administer it. */
export default function NotificationsPage() {
  const standing = useStanding()
  return (
    <Stack gap="md">
      <div>
        <Title order={1}>Notifications</Title>
        <Text c="dimmed">What went wrong while nobody was looking, in the last two weeks.</Text>
      </div>
      {standing && !standing.adminSomewhere ? (
        <Empty title="Only administrators see notifications">
          You need the right SPACE_ADMIN in some space. An administrator can give it to you.
        </Empty>
      ) : (
        <Inbox />
      )}
    </Stack>
  )
}

function Inbox() {
  const looking = useView()
  const { view, change } = looking
  // Who comes to the page wants to see what is open; what is not, they ask for.
  const usual = view.filters[STANDING] === undefined
  const seen: View = usual ? { ...view, filters: { ...view.filters, [STANDING]: ['false'] } } : view
  const { data, error, again } = useLiveQuery(ListQuery, { input: asked(seen, BOOLEANS) }, () => TOPICS)
  const values = useValues(seen)
  const groups = view.filters.group ?? []
  const after = () => {
    again()
    values.again()
  }
  const dismissChosen = (chosen: readonly Told[], clear: () => void) => (
    <DismissThese
      ids={chosen.map(({ id }) => id)}
      after={() => {
        clear()
        after()
      }}
    />
  )
  return (
    <>
      {error && <Refused title="The notifications could not be loaded" error={error} />}
      <Listing
        name="Notifications"
        hint="Words"
        columns={columns(after)}
        filters={values.filters}
        rows={data?.searchNotifications.edges.map((edge) => edge.node)}
        keyOf={(one) => one.id}
        nameOf={(one) => one.title}
        looking={looking}
        page={data?.searchNotifications.pageInfo}
        total={values.total}
        bulk={dismissChosen}
        aside={
          <Group gap="xs">
            <Button
              variant="subtle"
              onClick={() => {
                const { [STANDING]: _, ...others } = view.filters
                change({ filters: usual ? { ...others, [STANDING]: ['true'] } : others })
              }}
            >
              {usual ? 'Show dismissed ones' : 'Show open ones'}
            </Button>
            <DismissMany
              group={groups.length === 1 ? groups[0] : undefined}
              open={usual && !narrowed(view) ? values.total : undefined}
              after={after}
            />
          </Group>
        }
        empty={
          narrowed(view) ? (
            <NoneFit title="No notification fits" looking={looking} all="Show all open ones">
              Other words or fewer filters may find it.
            </NoneFit>
          ) : (
            <Empty title="Nothing needs you">
              A webhook that switches itself off, a state that its backend did not take or a pool that loses its last
              worker is told of here, and the bell counts it.
            </Empty>
          )
        }
      />
    </>
  )
}

function columns(after: () => void): Column<Told>[] {
  return [
    { key: 'title', title: 'What', cell: (one) => <What told={one} /> },
    {
      key: 'severity',
      title: 'Severity',
      cell: (one) => (
        <Badge variant="light" color={COLORS[one.severity]} style={{ minWidth: 'max-content' }}>
          {one.severity.toLowerCase()}
        </Badge>
      ),
    },
    { key: 'group', title: 'About', cell: (one) => <Text size="sm">{groupWords(one.group)}</Text> },
    {
      key: 'stack',
      title: 'Stack',
      cell: (one) =>
        one.stack !== null && (
          <Anchor component={Link} to={to.stack(one.stack)} size="sm">
            {one.stackName ?? one.stack}
          </Anchor>
        ),
    },
    { key: 'last', title: 'When', order: 'lastAt', cell: (one) => <When at={one.lastAt} /> },
    { key: 'first', title: 'First', order: 'createdAt', extra: true, cell: (one) => <When at={one.createdAt} /> },
    { key: 'times', title: 'Times', number: true, cell: (one) => one.times.toLocaleString() },
    {
      key: 'standing',
      title: 'Standing',
      cell: (one) =>
        one.dismissed ? (
          <Text size="sm" c="dimmed">
            {ended(one)} <When at={one.dismissedAt} />
          </Text>
        ) : (
          <DismissThese ids={[one.id]} of={one.title} after={after} />
        ),
    },
  ]
}

function What({ told }: { told: Told }) {
  const page = pageOf(told)
  return (
    <div style={{ minWidth: 220, maxWidth: 560, overflowWrap: 'anywhere' }}>
      {page === undefined ? (
        <Text size="sm" fw={600}>
          {told.title}
        </Text>
      ) : (
        <Anchor component={Link} to={page} size="sm" fw={600}>
          {told.title}
        </Anchor>
      )}
      <Text size="sm" c="dimmed">
        {told.body}
      </Text>
    </div>
  )
}

/** What the list can be narrowed by. */
function useValues(view: View) {
  const input = askedValues(view, FIELDS, { booleans: BOOLEANS })
  const { data, again } = useLiveQuery(ValuesQuery, { input }, () => TOPICS)
  const found = data?.searchNotificationsSuggestions
  const filters = useMemo(
    () =>
      FIELDS.map((field): Filter => {
        const facet = found?.fields.find((one) => one.field === field)
        return {
          field,
          title: TITLES[field],
          values: shown(field, facet?.values ?? []),
          more: facet?.hasMore,
          find: (words) => find(view, field, words),
        }
      }),
    [found, view],
  )
  return { filters, total: found?.total, again }
}

type Facet = ResultOf<typeof ValuesQuery>['searchNotificationsSuggestions']['fields'][number]

async function find(view: View, field: string, words: string) {
  const { data } = await send(ValuesQuery, { input: askedValues(view, [field], { booleans: BOOLEANS, words }) })
  const facet = data?.searchNotificationsSuggestions.fields[0]
  return { values: shown(field, facet?.values ?? []), more: facet?.hasMore ?? false }
}

function shown(field: string, values: Facet['values']): Value[] {
  return values.map(({ value, label, count }) => {
    if (field === STANDING) return { value, count, label: value === 'true' ? 'dismissed' : 'open' }
    if (field === 'group') return { value, count, label: groupWords(value) }
    return { value, count, label: field === 'severity' ? value.toLowerCase() : label }
  })
}
