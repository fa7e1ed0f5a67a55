import { Link, useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { to } from '~/lib/paths'
import { Anchor, Card, Stack, Text, Title, tell } from '~/ui'

import { CreateMutation } from './documents'
import { NamedForm } from './NamedForm'

/** A new named webhook. Its headers and a test come after it is made. */
export default function NewWebhookPage() {
  const go = useNavigate()
  const [{ error, fetching }, create] = useMutation(CreateMutation)
  return (
    <Stack maw={760}>
      <Anchor component={Link} to={to.webhooks()} size="sm">
        All webhooks
      </Anchor>
      <div>
        <Title order={1}>Create a webhook</Title>
        <Text c="dimmed">An address that policies can send messages to. Headers and a test come next.</Text>
      </div>
      <Card withBorder>
        <NamedForm
          verb="Create the webhook"
          busy={fetching}
          error={error}
          onCancel={() => void go(to.webhooks())}
          onSave={(input) =>
            void create({ input }).then(({ data }) => {
              if (!data) return
              tell(`Webhook ${data.namedWebhooksIntegrationCreate.name} is made`, 'Send it a test.')
              void go(to.webhook(data.namedWebhooksIntegrationCreate.id))
            })
          }
        />
      </Card>
    </Stack>
  )
}
