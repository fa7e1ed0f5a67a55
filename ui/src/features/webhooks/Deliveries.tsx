import { IconSend } from '@tabler/icons-react'
import { useState } from 'react'
import { useMutation } from 'urql'

import { useLiveQuery, type Topic } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { Refused } from '~/graphql/Refused'
import { asked, filter, narrowed } from '~/list/asked'
import { Listing, type Column } from '~/list/Listing'
import { NoneFit } from '~/list/NoneFit'
import { useView } from '~/list/view'
import { Action, Badge, Empty, Group, Stack, Text, Title, UnstyledButton, When, tell, warn } from '~/ui'

import { DeliveriesQuery, TestMutation, type Delivery } from './documents'
import { DeliveryDialog } from './DeliveryDialog'
import { outcome, STATES, took } from './words'

const FILTERS = [
  {
    ...filter('state', 'State', []),
    values: Object.entries(STATES).map(([value, { word }]) => ({ value, label: word })),
  },
]

/** What a webhook was told, the newest first; and a test. */
export function Deliveries({ webhook, why }: { webhook: string; why: string | undefined }) {
  const looking = useView()
  const [opened, setOpened] = useState<string>()
  const { data, error, again } = useLiveQuery(
    DeliveriesQuery,
    { webhook, input: asked(looking.view) },
    (): Topic[] => (why ? [] : [`webhook:${webhook}`]),
    { pause: why !== undefined },
  )
  const [{ fetching }, test] = useMutation(TestMutation)
  const send = (
    <Action
      variant="default"
      leftSection={<IconSend size={16} aria-hidden />}
      loading={fetching}
      why={why}
      onClick={() =>
        void test({ webhook }).then(({ data: sent, error: refused }) => {
          again()
          if (refused) warn('The test was not sent', problemOf(refused))
          else if (sent?.webhookTest.state === 'DELIVERED') tell('The test arrived', outcome(sent.webhookTest))
          else if (sent) warn('The test failed', outcome(sent.webhookTest))
        })
      }
    >
      Send a test
    </Action>
  )
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2}>Deliveries</Title>
        {send}
      </Group>
      {why && (
        <Text size="sm" c="dimmed">
          What a webhook was told is seen by whoever may change it.
        </Text>
      )}
      {error && <Refused title="The deliveries could not be loaded" error={error} />}
      {!why && !error && (
        <Listing
          name="Deliveries"
          columns={columns(setOpened)}
          filters={FILTERS}
          rows={data?.searchWebhookDeliveries.edges.map((edge) => edge.node)}
          keyOf={(delivery) => delivery.id}
          nameOf={(delivery) => delivery.event}
          looking={looking}
          page={data?.searchWebhookDeliveries.pageInfo}
          empty={
            narrowed(looking.view) ? (
              <NoneFit title="No delivery fits" looking={looking} />
            ) : (
              <Empty title="Nothing was sent in the last week">
                Send a test to see what arrives, and what is answered.
              </Empty>
            )
          }
        />
      )}
      {opened !== undefined && (
        <DeliveryDialog webhook={webhook} id={opened} onClose={() => setOpened(undefined)} />
      )}
    </Stack>
  )
}

function columns(open: (id: string) => void): Column<Delivery>[] {
  return [
    {
      key: 'event',
      title: 'Told',
      cell: (delivery) => (
        <UnstyledButton onClick={() => open(delivery.id)} aria-label={`Open ${delivery.event}`}>
          <Text size="sm" fw={600} td="underline">
            {delivery.event}
          </Text>
        </UnstyledButton>
      ),
    },
    { key: 'when', title: 'When', cell: (delivery) => <When at={delivery.createdAt} /> },
    { key: 'state', title: 'State', cell: (delivery) => <StateOf delivery={delivery} /> },
    {
      key: 'status',
      title: 'Status',
      number: true,
      cell: (delivery) => delivery.statusCode ?? (delivery.attempts > 0 ? 'none' : ''),
    },
    { key: 'attempts', title: 'Attempts', number: true, cell: (delivery) => delivery.attempts },
    {
      key: 'took',
      title: 'Took',
      number: true,
      cell: (delivery) => (delivery.durationMs === null ? '' : took(delivery.durationMs)),
    },
  ]
}

export function StateOf({ delivery }: { delivery: Pick<Delivery, 'state' | 'attempts' | 'nextAttemptAt'> }) {
  const { word, color } = STATES[delivery.state]
  return (
    <Group gap={6} wrap="nowrap">
      <Badge variant="light" color={color}>
        {word}
      </Badge>
      {delivery.state === 'WAITING' && delivery.attempts > 0 && (
        <Text size="xs" c="dimmed">
          again <When at={delivery.nextAttemptAt} />
        </Text>
      )}
    </Group>
  )
}
