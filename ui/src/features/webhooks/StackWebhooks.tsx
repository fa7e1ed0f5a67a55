import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useParams, useSearchParams } from 'react-router'
import { useMutation } from 'urql'

import { useLiveQuery, type Topic } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Action, Anchor, Button, Card, Coming, Confirm, Empty, Group, Modal, Stack, Text, Title, tell, warn } from '~/ui'

import { Deliveries } from './Deliveries'
import {
  CreateOfStackMutation,
  DeleteOfStackMutation,
  OfStackQuery,
  UpdateOfStackMutation,
  type OfStack,
} from './documents'
import { EnabledField, EndpointField, RetryField, SecretField } from './fields'
import { OnOff, SwitchedOff } from './Standing'
import { faultOfEndpoint } from './words'

/** What is called at each move of the stack's runs. */
export default function StackWebhooks() {
  const { stackId = '' } = useParams()
  const [params] = useSearchParams()
  const { data, error, again } = useLiveQuery(OfStackQuery, { id: stackId }, (): Topic[] => [`stack:${stackId}`])
  const [editing, setEditing] = useState<OfStack | 'new'>()
  const [leaving, setLeaving] = useState<OfStack>()
  if (error && !data) return <Refused title="The webhooks could not be loaded" error={error} />
  if (!data) return <Coming height={240} />
  if (!data.stack) return <Empty title="There is no such stack">It may be gone, or you may not see it.</Empty>
  const { permitted, spaceDetails, integrations } = data.stack
  const why = permitted.includes('STACK_MANAGE')
    ? undefined
    : `You need the right STACK_MANAGE in the space ${spaceDetails.name}.`
  const chosen = integrations.webhooks.find((one) => one.id === params.get('webhook'))
  const create = (
    <Action leftSection={<IconPlus size={16} aria-hidden />} why={why} onClick={() => setEditing('new')}>
      Add webhook
    </Action>
  )
  return (
    <Stack gap="md">
      {integrations.webhooks.length === 0 ? (
        <Empty title="No webhook yet" action={create}>
          A webhook of the stack is told of every move of its runs.
        </Empty>
      ) : (
        <Group justify="space-between">
          <Text size="sm" c="dimmed">
            Told of every move of the stack&apos;s runs.
          </Text>
          {create}
        </Group>
      )}
      {integrations.webhooks.map((webhook) => (
        <Card key={webhook.id} withBorder padding="sm">
          <Stack gap="xs">
            <Group justify="space-between" align="flex-start">
              <div style={{ minWidth: 0, flex: '1 1 240px' }}>
                <Title order={2} size="sm" style={{ overflowWrap: 'anywhere' }}>
                  {webhook.endpoint}
                </Title>
                <Group gap={8} mt={4}>
                  <OnOff enabled={webhook.enabled} disabledReason={webhook.disabledReason} />
                  <Text size="xs" c="dimmed">
                    {webhook.hasSecret ? 'signed' : 'not signed'} ·{' '}
                    {webhook.retryOnFailure ? 'tried again' : 'tried once'}
                    {webhook.enabled && webhook.failures > 0 && ` · ${webhook.failures} failed in a row`}
                  </Text>
                </Group>
              </div>
              <Group gap="xs">
                <Anchor component={Link} to={`${to.stackTab(stackId, 'webhooks')}?webhook=${webhook.id}`} size="sm">
                  Deliveries
                </Anchor>
                <Action
                  variant="default"
                  size="compact-sm"
                  why={why}
                  aria-label={`Edit ${webhook.endpoint}`}
                  onClick={() => setEditing(webhook)}
                >
                  Edit
                </Action>
                <Action
                  variant="subtle"
                  color="red"
                  size="compact-sm"
                  why={why}
                  aria-label={`Delete ${webhook.endpoint}`}
                  onClick={() => setLeaving(webhook)}
                >
                  Delete
                </Action>
              </Group>
            </Group>
            <SwitchedOff enabled={webhook.enabled} disabledReason={webhook.disabledReason} />
            {chosen?.id === webhook.id && <Deliveries webhook={webhook.id} why={why} />}
          </Stack>
        </Card>
      ))}
      {editing && (
        <Edit
          stack={stackId}
          before={editing === 'new' ? undefined : editing}
          onClose={() => setEditing(undefined)}
          onDone={again}
        />
      )}
      {leaving && (
        <Deletion stack={stackId} webhook={leaving} onClose={() => setLeaving(undefined)} onDone={again} />
      )}
    </Stack>
  )
}

interface EditProps {
  stack: string
  before: OfStack | undefined
  onClose: () => void
  onDone: () => void
}

function Edit({ stack, before, onClose, onDone }: EditProps) {
  const [made, create] = useMutation(CreateOfStackMutation)
  const [changed, update] = useMutation(UpdateOfStackMutation)
  const [given, setGiven] = useState(() => ({
    endpoint: before?.endpoint ?? '',
    secret: '',
    enabled: before?.enabled ?? true,
    retryOnFailure: before?.retryOnFailure ?? true,
  }))
  const fault = faultOfEndpoint(given.endpoint)
  const error = made.error ?? changed.error
  const change = { given, onChange: setGiven }

  async function save() {
    const input = { ...given, endpoint: given.endpoint.trim() }
    const { error: refused } = await (before
      ? update({ stack, id: before.id, input })
      : create({ stack, input }))
    if (refused) return
    tell(before ? 'The webhook is changed' : 'The webhook is added', 'It is told of the next move of a run.')
    onDone()
    onClose()
  }

  return (
    <Modal opened onClose={onClose} title={before ? 'Edit the webhook' : 'Add a webhook'} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!fault) void save()
        }}
      >
        <Stack>
          <EndpointField {...change} fault={fault} />
          <SecretField {...change} hasSecret={before?.hasSecret ?? false} />
          <EnabledField {...change} />
          <RetryField {...change} />
          {error && <Refused title="The webhook was not saved" error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Action type="submit" loading={made.fetching || changed.fetching} why={fault}>
              {before ? 'Save' : 'Add the webhook'}
            </Action>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

interface DeletionProps {
  stack: string
  webhook: OfStack
  onClose: () => void
  onDone: () => void
}

function Deletion({ stack, webhook, onClose, onDone }: DeletionProps) {
  const [{ fetching }, remove] = useMutation(DeleteOfStackMutation)
  return (
    <Confirm
      opened
      title="Delete the webhook?"
      verb="Delete the webhook"
      dangerous
      busy={fetching}
      onClose={onClose}
      onConfirm={() =>
        void remove({ stack, id: webhook.id }).then(({ error }) => {
          if (error) warn('The webhook was not deleted', problemOf(error))
          else tell('The webhook is deleted')
          onDone()
          onClose()
        })
      }
    >
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {webhook.endpoint} is told nothing more. Its secret and the log of its deliveries are lost, and what waits is not
        sent.
      </Text>
    </Confirm>
  )
}
