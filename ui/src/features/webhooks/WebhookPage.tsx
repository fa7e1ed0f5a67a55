import { IconPencil, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { useMutation } from 'urql'

import { useLiveQuery, type Topic } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Action, Anchor, Badge, Card, Coming, Confirm, Empty, Facts, Group, Modal, Stack, Text, Title, When, tell, warn } from '~/ui'

import { Deliveries } from './Deliveries'
import {
  DeleteHeadersMutation,
  DeleteMutation,
  NamedQuery,
  SetHeadersMutation,
  UpdateMutation,
  type Named,
} from './documents'
import { Headers } from './Headers'
import { NamedForm } from './NamedForm'
import { OnOff, SwitchedOff } from './Standing'

/** A named webhook: what it is, its headers, and what it was told. */
export default function WebhookPage() {
  const { webhookId = '' } = useParams()
  const { data, error, again } = useLiveQuery(NamedQuery, { id: webhookId }, (found): Topic[] =>
    found?.namedWebhooksIntegration?.space.accessLevel === 'ADMIN' ? [`webhook:${webhookId}`] : [],
  )
  if (error && !data) {
    return (
      <>
        <Title order={1}>Webhook</Title>
        <Refused title="The webhook could not be loaded" error={error} />
      </>
    )
  }
  if (!data) return <Coming height={420} />
  const webhook = data.namedWebhooksIntegration
  if (!webhook) {
    return (
      <>
        <Title order={1}>Webhook</Title>
        <Empty title="There is no such webhook" action={<All />}>
          It was deleted, or is in a space that you may not see.
        </Empty>
      </>
    )
  }
  return <Shown webhook={webhook} again={again} />
}

function All() {
  return (
    <Anchor component={Link} to={to.webhooks()} size="sm">
      All webhooks
    </Anchor>
  )
}

function Shown({ webhook, again }: { webhook: Named; again: () => void }) {
  const [open, setOpen] = useState<'edit' | 'delete'>()
  const [, set] = useMutation(SetHeadersMutation)
  const [, remove] = useMutation(DeleteHeadersMutation)
  const why =
    webhook.space.accessLevel === 'ADMIN'
      ? undefined
      : `Only admins of the space ${webhook.space.name} change its webhooks.`
  const close = () => setOpen(undefined)
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        <All />
        <Group justify="space-between" align="flex-start">
          <Group gap="sm">
            <Title order={1}>{webhook.name}</Title>
            <OnOff enabled={webhook.enabled} disabledReason={webhook.disabledReason} />
          </Group>
          <Group gap="xs">
            <Action
              variant="default"
              leftSection={<IconPencil size={16} aria-hidden />}
              why={why}
              onClick={() => setOpen('edit')}
            >
              Edit
            </Action>
            <Action
              variant="light"
              color="red"
              leftSection={<IconTrash size={16} aria-hidden />}
              why={why}
              onClick={() => setOpen('delete')}
            >
              Delete
            </Action>
          </Group>
        </Group>
      </Stack>
      <SwitchedOff enabled={webhook.enabled} disabledReason={webhook.disabledReason} />
      <Card withBorder>
        <Facts
          facts={[
            [
              'Endpoint',
              <Text key="endpoint" size="sm" style={{ overflowWrap: 'anywhere' }}>
                {webhook.endpoint}
              </Text>,
            ],
            ['Id, for policies', <code key="id">{webhook.id}</code>],
            ['Space', webhook.space.name],
            ['Signed', webhook.hasSecret ? 'yes' : 'no: there is no secret'],
            ['Retry on failure', webhook.retryOnFailure ? 'up to three times' : 'no'],
            ['Failed in a row', webhook.failures > 0 ? webhook.failures : null],
            ['Labels', webhook.labels.length > 0 ? <Labels key="labels" labels={webhook.labels} /> : null],
            ['Made', <When key="made" at={webhook.createdAt} />],
          ]}
        />
      </Card>
      <Headers
        names={webhook.secretHeaders}
        why={why}
        onSet={async (key, value) => {
          const { error } = await set({ id: webhook.id, input: { entries: [{ key, value }] } })
          again()
          return error && problemOf(error)
        }}
        onRemove={async (key) => {
          const { error } = await remove({ id: webhook.id, keys: [key] })
          again()
          return error && problemOf(error)
        }}
      />
      <Deliveries webhook={webhook.id} why={why} />
      {open === 'edit' && <Edit webhook={webhook} onClose={close} onDone={again} />}
      {open === 'delete' && <Deletion webhook={webhook} onClose={close} />}
    </Stack>
  )
}

function Labels({ labels }: { labels: readonly string[] }) {
  return (
    <Group gap={4}>
      {labels.map((label) => (
        <Badge key={label} variant="default" size="sm" tt="none" fw={500}>
          {label}
        </Badge>
      ))}
    </Group>
  )
}

function Edit({ webhook, onClose, onDone }: { webhook: Named; onClose: () => void; onDone: () => void }) {
  const [{ error, fetching }, update] = useMutation(UpdateMutation)
  return (
    <Modal opened onClose={onClose} title={`Edit webhook ${webhook.name}`} size="lg">
      <NamedForm
        before={webhook}
        verb="Save"
        busy={fetching}
        error={error}
        onCancel={onClose}
        onSave={({ secret, ...input }) =>
          // A secret that is not given stays as it is.
          void update({ id: webhook.id, input: { ...input, secret: secret || null } }).then(({ data }) => {
            if (!data) return
            tell(`Webhook ${input.name} is changed`)
            onDone()
            onClose()
          })
        }
      />
    </Modal>
  )
}

function Deletion({ webhook, onClose }: { webhook: Named; onClose: () => void }) {
  const go = useNavigate()
  const [{ fetching }, remove] = useMutation(DeleteMutation)
  return (
    <Confirm
      opened
      title={`Delete webhook ${webhook.name}?`}
      verb="Delete the webhook"
      dangerous
      typed={webhook.name}
      busy={fetching}
      onClose={onClose}
      onConfirm={() =>
        void remove({ id: webhook.id }).then(({ error }) => {
          if (error) {
            warn('The webhook was not deleted', problemOf(error))
            onClose()
            return
          }
          tell(`Webhook ${webhook.name} is deleted`)
          void go(to.webhooks())
        })
      }
    >
      <Text size="sm">
        Its secret, its headers and the log of its deliveries are lost, and what waits is not sent. Policies that name
        its id reach nobody.
      </Text>
    </Confirm>
  )
}
