import { IconPlus } from '@tabler/icons-react'
import { useMemo } from 'react'
import { Link, useNavigate } from 'react-router'

import { useAccountQuery } from '~/graphql/following'
import type { ResultOf } from '~/graphql/gql'
import { useRights } from '~/graphql/rights'
import { Refused } from '~/graphql/Refused'
import { send } from '~/graphql/quiet'
import { to } from '~/lib/paths'
import { asked, askedValues, narrowed } from '~/list/asked'
import { Listing, type Column, type Filter, type Value } from '~/list/Listing'
import { NoneFit } from '~/list/NoneFit'
import { useView, type View } from '~/list/view'
import { Action, Anchor, Badge, Button, Empty, Group, Stack, Text, Title, When } from '~/ui'

import { ListQuery, ValuesQuery, type Named } from './documents'
import { OnOff } from './Standing'

const BOOLEANS = ['enabled'] as const
const TITLES = { enabled: 'Enabled', label: 'Label', space: 'Space' } as const
const FIELDS = ['space', 'label', 'enabled'] as const

const COLUMNS: readonly Column<Named>[] = [
  {
    key: 'name',
    title: 'Webhook',
    order: 'name',
    cell: (webhook) => (
      <Anchor component={Link} to={to.webhook(webhook.id)} fw={600} size="sm">
        {webhook.name}
      </Anchor>
    ),
  },
  {
    key: 'standing',
    title: 'Standing',
    cell: (webhook) => (
      <Group gap={6} wrap="nowrap">
        <OnOff enabled={webhook.enabled} disabledReason={webhook.disabledReason} />
        {webhook.enabled && webhook.failures > 0 && (
          <Text size="xs" c="dimmed">
            {webhook.failures} failed in a row
          </Text>
        )}
      </Group>
    ),
  },
  {
    key: 'endpoint',
    title: 'Endpoint',
    cell: (webhook) => (
      <Text size="sm" lineClamp={1} title={webhook.endpoint} style={{ overflowWrap: 'anywhere' }}>
        {webhook.endpoint}
      </Text>
    ),
  },
  {
    key: 'labels',
    title: 'Labels',
    cell: (webhook) => webhook.labels.length > 0 && (
      <Group gap={4}>
        {webhook.labels.map((label) => (
          <Badge key={label} variant="default" size="sm" tt="none" fw={500}>
            {label}
          </Badge>
        ))}
      </Group>
    ),
  },
  { key: 'space', title: 'Space', cell: (webhook) => <Text size="sm">{webhook.space.name}</Text> },
  {
    key: 'created',
    title: 'Created',
    order: 'createdAt',
    extra: true,
    cell: (webhook) => <When at={webhook.createdAt} />,
  },
]

/** Every named webhook, and the way to the audit trail's. */
export default function WebhooksPage() {
  const looking = useView()
  const rights = useRights()
  const go = useNavigate()
  const [{ data, error }] = useAccountQuery({
    query: ListQuery,
    variables: { input: asked(looking.view, BOOLEANS) },
    requestPolicy: 'cache-and-network',
  })
  const values = useValues(looking.view)
  const anywhere = rights?.some((one) => one.actions.includes('SPACE_ADMIN')) ?? true
  const create = (
    <Action
      leftSection={<IconPlus size={16} aria-hidden />}
      why={anywhere ? undefined : 'You administer no space. Whoever does makes its webhooks.'}
      onClick={() => void go(to.newWebhook())}
    >
      Create webhook
    </Action>
  )
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={1}>Webhooks</Title>
          <Text c="dimmed">Addresses of yours that Gantry calls. Those of a stack are with the stack.</Text>
        </div>
        <Button component={Link} to={to.auditWebhook()} variant="default">
          Audit trail&apos;s webhook
        </Button>
      </Group>
      {error && <Refused title="The webhooks could not be loaded" error={error} />}
      <Listing
        name="Webhooks"
        hint="Name, endpoint"
        columns={COLUMNS}
        filters={values.filters}
        rows={data?.searchNamedWebhooksIntegrations.edges.map((edge) => edge.node)}
        keyOf={(webhook) => webhook.id}
        nameOf={(webhook) => webhook.name}
        looking={looking}
        page={data?.searchNamedWebhooksIntegrations.pageInfo}
        total={values.total}
        aside={create}
        empty={
          narrowed(looking.view) ? (
            <NoneFit title="No webhook fits" looking={looking}>
              Other words or fewer filters may find it.
            </NoneFit>
          ) : (
            <Empty title="No webhook yet" action={create}>
              A webhook tells a program of yours what happens here: a chat, a pager, a pipeline.
            </Empty>
          )
        }
      />
    </Stack>
  )
}

/** What the list can be narrowed by. */
function useValues(view: View) {
  const [{ data }] = useAccountQuery({
    query: ValuesQuery,
    variables: { input: askedValues(view, FIELDS, { booleans: BOOLEANS }) },
  })
  const found = data?.searchNamedWebhooksIntegrationsSuggestions
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
        }
      }),
    [found, view],
  )
  return { filters, total: found?.total }
}

type Facet = ResultOf<typeof ValuesQuery>['searchNamedWebhooksIntegrationsSuggestions']['fields'][number]

async function find(view: View, field: string, words: string) {
  const { data } = await send(ValuesQuery, {
    input: askedValues(view, [field], { booleans: BOOLEANS, words }),
  })
  const facet = data?.searchNamedWebhooksIntegrationsSuggestions.fields[0]
  return { values: shown(field, facet?.values ?? []), more: facet?.hasMore ?? false }
}

function shown(field: string, values: Facet['values']): Value[] {
  return values.map(({ value, label, count }) => ({
    value,
    count,
    label: field === 'enabled' ? (value === 'true' ? 'on' : 'off') : label,
  }))
}
