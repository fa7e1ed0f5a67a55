import { IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { useMutation } from 'urql'

import { useLiveQuery, type Topic } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { lacking, useRights } from '~/graphql/rights'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Action, Alert, Anchor, Card, Coming, Confirm, Empty, Group, Stack, Switch, Text, Title, tell, warn } from '~/ui'

import { Deliveries } from './Deliveries'
import {
  AuditQuery,
  DeleteAuditHeadersMutation,
  DeleteAuditMutation,
  SetAuditHeadersMutation,
  SetAuditMutation,
  type AuditWebhook,
} from './documents'
import { EnabledField, EndpointField, SecretField } from './fields'
import { Headers } from './Headers'
import { OnOff } from './Standing'
import { faultOfEndpoint } from './words'

/** Where the audit trail is sent. */
export default function AuditWebhookPage() {
  const rights = useRights()
  const forbidden = lacking(rights, 'SPACE_ADMIN')
  const { data, error, again } = useLiveQuery(
    AuditQuery,
    {},
    (found): Topic[] => (found?.auditTrailWebhook ? [`webhook:${found.auditTrailWebhook.id}`] : []),
    { pause: !rights || forbidden !== undefined },
  )
  const webhook = data?.auditTrailWebhook
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        <Anchor component={Link} to={to.webhooks()} size="sm">
          All webhooks
        </Anchor>
        <Group justify="space-between" align="flex-start">
          <div>
            <Group gap="sm">
              <Title order={1}>Audit trail&apos;s webhook</Title>
              {webhook && <OnOff enabled={webhook.enabled} disabledReason={null} />}
            </Group>
            <Text c="dimmed">Everything that anybody does here is sent there, in order and at least once.</Text>
          </div>
          {webhook && <Removal webhook={webhook} onDone={again} />}
        </Group>
      </Stack>
      {forbidden && <Empty title="Only root admins see this">{forbidden}</Empty>}
      {error && <Refused title="The webhook could not be loaded" error={error} />}
      {!forbidden && !data && !error && <Coming height={320} />}
      {webhook && webhook.failures > 0 && (
        <Alert color="orange" title="The endpoint does not take what it is told" role="alert">
          <Text size="sm">
            {webhook.failures} {webhook.failures === 1 ? 'attempt' : 'attempts'} failed since the last success. Nothing
            is lost: it is tried again, and what happens meanwhile waits.
          </Text>
        </Alert>
      )}
      {data && <Form key={webhook?.id ?? 'new'} webhook={webhook ?? undefined} onDone={again} />}
      {webhook && <Told webhook={webhook} onDone={again} />}
    </Stack>
  )
}

function Form({ webhook, onDone }: { webhook: AuditWebhook | undefined; onDone: () => void }) {
  const [{ error, fetching }, save] = useMutation(SetAuditMutation)
  const [given, setGiven] = useState(() => ({
    endpoint: webhook?.endpoint ?? '',
    secret: '',
    enabled: webhook?.enabled ?? true,
    retryOnFailure: true,
    includeRuns: webhook?.includeRuns ?? false,
  }))
  const fault = faultOfEndpoint(given.endpoint)
  const change = { given, onChange: setGiven }
  return (
    <Card withBorder maw={760}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (fault) return
          void save({ input: { ...given, endpoint: given.endpoint.trim(), customHeaders: null } }).then(({ data }) => {
            if (!data) return
            setGiven((now) => ({ ...now, secret: '' }))
            tell('The webhook is saved', given.enabled ? 'A test arrived.' : 'It is switched off.')
            onDone()
          })
        }}
      >
        <Stack>
          <EndpointField {...change} fault={fault} />
          <SecretField {...change} hasSecret={webhook?.hasSecret ?? false} />
          <Switch
            label="Include runs"
            description="Each move of a run is sent as well."
            checked={given.includeRuns}
            onChange={(event) => setGiven({ ...given, includeRuns: event.currentTarget.checked })}
          />
          <EnabledField {...change} />
          {error && <Refused title="The webhook was not saved" error={error} />}
          <Group justify="space-between">
            <Text size="xs" c="dimmed" maw={420}>
              {given.enabled
                ? 'Saving sends a test first; the endpoint has to take it.'
                : 'Switched off, it is saved without a test.'}
            </Text>
            <Action type="submit" loading={fetching} why={fault}>
              Save
            </Action>
          </Group>
        </Stack>
      </form>
    </Card>
  )
}

function Told({ webhook, onDone }: { webhook: AuditWebhook; onDone: () => void }) {
  const [, set] = useMutation(SetAuditHeadersMutation)
  const [, remove] = useMutation(DeleteAuditHeadersMutation)
  return (
    <>
      <Headers
        names={webhook.secretHeaders}
        why={undefined}
        onSet={async (key, value) => {
          const { error } = await set({ input: { entries: [{ key, value }] } })
          onDone()
          return error && problemOf(error)
        }}
        onRemove={async (key) => {
          const { error } = await remove({ input: { keys: [key] } })
          onDone()
          return error && problemOf(error)
        }}
      />
      <Deliveries webhook={webhook.id} why={undefined} />
    </>
  )
}

function Removal({ webhook, onDone }: { webhook: AuditWebhook; onDone: () => void }) {
  const [asking, setAsking] = useState(false)
  const [{ fetching }, remove] = useMutation(DeleteAuditMutation)
  return (
    <>
      <Action
        variant="light"
        color="red"
        leftSection={<IconTrash size={16} aria-hidden />}
        onClick={() => setAsking(true)}
      >
        Delete
      </Action>
      <Confirm
        opened={asking}
        title="Stop sending the audit trail?"
        verb="Delete the webhook"
        dangerous
        busy={fetching}
        onClose={() => setAsking(false)}
        onConfirm={() =>
          void remove({}).then(({ error }) => {
            setAsking(false)
            if (error) warn('The webhook was not deleted', problemOf(error))
            else tell('The audit trail is not sent any more')
            onDone()
          })
        }
      >
        <Text size="sm">
          Its secret, its headers and the log of its deliveries are lost. The trail itself is kept here as before.
          {webhook.enabled && ' What waits is not sent; that it is deleted is the last thing that the endpoint is told.'}
        </Text>
      </Confirm>
    </>
  )
}
