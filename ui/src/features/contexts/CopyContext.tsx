import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation, useQuery } from 'urql'

import { hooksOf } from '~/environment/hooks'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Action, Alert, Button, Coming, Group, List, Modal, Stack, Text, tell } from '~/ui'

import { ContextFields, lackingOf, type ContextSettings } from './ContextFields'
import { CreateMutation, ValuesQuery, type Context } from './documents'
import { attaching, unattached } from './labels'

/** Makes another context with the same content. Secrets cannot be read, and so not copied. */
export function CopyContext({ context, onClose }: { context: Context; onClose: () => void }) {
  const go = useNavigate()
  const [{ data: content, error: unread }] = useQuery({
    query: ValuesQuery,
    variables: { id: context.id },
    requestPolicy: 'network-only',
  })
  const [{ fetching, error }, create] = useMutation(CreateMutation)
  const [settings, setSettings] = useState<ContextSettings>({
    name: `${context.name} copy`,
    description: context.description ?? '',
    labels: unattached(context.labels),
    space: context.space,
  })
  const why = lackingOf(settings)
  const secrets = context.config.filter(({ writeOnly }) => writeOnly)
  const copy = async () => {
    const elements = (content?.context?.config ?? []).filter(({ writeOnly }) => !writeOnly)
    const { data } = await create({
      input: {
        ...settings,
        description: settings.description || null,
        hooks: hooksOf(context.hooks),
        configAttachments: elements.map(({ id, type, value, writeOnly, description }) => ({
          id,
          type,
          value: value ?? '',
          writeOnly,
          description,
        })),
      },
    })
    if (!data) return
    tell(`Context ${data.contextCreateV2.name} is made`)
    void go(to.context(data.contextCreateV2.id))
    onClose()
  }
  return (
    <Modal opened onClose={onClose} title={`Copy context ${context.name}`} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why && content) void copy()
        }}
      >
        <Stack>
          <ContextFields settings={settings} onChange={setSettings} />
          {secrets.length > 0 && (
            <Alert color="yellow" title="Secrets are not copied">
              <Text size="sm">Nobody can read them. Set these anew in the copy:</Text>
              <List size="sm">
                {secrets.map(({ id }) => (
                  <List.Item key={id}>{id}</List.Item>
                ))}
              </List>
            </Alert>
          )}
          <Text size="sm" c="dimmed">
            The copy is attached to no stack
            {attaching(context.labels).length > 0 && ', and labels that would attach it are left out'}.
          </Text>
          {unread && <Refused title="What it holds could not be read" error={unread} />}
          {error && <Refused title="The copy was not made" error={error} />}
          {!content && !unread && <Coming height={40} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Action
              type="submit"
              loading={fetching}
              why={why ?? (content ? undefined : 'What it holds is not read yet.')}
            >
              Make the copy
            </Action>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
