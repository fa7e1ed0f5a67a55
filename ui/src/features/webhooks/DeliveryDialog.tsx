import { useQuery } from 'urql'

import type { ResultOf } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { Coming, CopyBlock, Empty, Facts, Modal, Stack, Text, Title, When } from '~/ui'

import { DeliveryQuery } from './documents'
import { StateOf } from './Deliveries'
import { readable, took } from './words'

type Delivery = NonNullable<ResultOf<typeof DeliveryQuery>['webhookDelivery']>

/** One delivery: what was sent, and what came back. */
export function DeliveryDialog({ webhook, id, onClose }: { webhook: string; id: string; onClose: () => void }) {
  const [{ data, error }] = useQuery({
    query: DeliveryQuery,
    variables: { webhook, id },
    requestPolicy: 'network-only',
  })
  const delivery = data?.webhookDelivery
  return (
    <Modal opened onClose={onClose} title="Delivery" size="xl">
      {error && <Refused title="The delivery could not be loaded" error={error} />}
      {!data && !error && <Coming height={320} />}
      {data && !delivery && <Empty title="It is not kept any more">Deliveries are kept for a week.</Empty>}
      {delivery && <Shown delivery={delivery} />}
    </Modal>
  )
}

function Shown({ delivery }: { delivery: Delivery }) {
  const { trace } = delivery
  return (
    <Stack gap="md">
      <Facts
        facts={[
          ['Told', delivery.event],
          ['Id', <code key="id">{delivery.id}</code>],
          ['State', <StateOf key="state" delivery={delivery} />],
          ['Happened', <When key="at" at={delivery.createdAt} />],
          ['Attempts', delivery.attempts],
          ['Last attempt', delivery.attemptedAt && <When key="last" at={delivery.attemptedAt} />],
          ['Status', delivery.statusCode],
          ['Took', delivery.durationMs === null ? null : took(delivery.durationMs)],
          ['What went wrong', delivery.state === 'DELIVERED' ? null : delivery.error],
        ]}
      />
      {!trace && (
        <Text size="sm" c="dimmed">
          {delivery.attempts > 0
            ? 'What was sent and answered is not kept any more.'
            : 'It was not sent yet.'}
        </Text>
      )}
      {trace && (
        <>
          <Title order={3}>Request</Title>
          <CopyBlock label="Headers" text={headers(trace.requestHeaders, trace.privateHeaders)} />
          <CopyBlock label="Body" text={readable(trace.requestBody)} />
          <Title order={3}>Answer</Title>
          {trace.answerBody === null ? (
            <Text size="sm">Nobody answered.</Text>
          ) : (
            <>
              <CopyBlock label="Headers of the answer" text={headers(trace.answerHeaders, [])} />
              <CopyBlock label="Body of the answer" text={readable(trace.answerBody) || '(empty)'} />
              {trace.answerCut && (
                <Text size="xs" c="dimmed">
                  The answer was longer; this is its beginning.
                </Text>
              )}
            </>
          )}
        </>
      )}
    </Stack>
  )
}

function headers(pairs: readonly { key: string; value: string }[], hidden: readonly string[]): string {
  return [
    ...pairs.map(({ key, value }) => `${key}: ${value}`),
    ...hidden.map((key) => `${key}: (not shown)`),
  ].join('\n')
}
