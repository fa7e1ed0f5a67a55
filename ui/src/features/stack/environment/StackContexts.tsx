import { IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'react-router'

import { AttachContext } from '~/environment/AttachContext'
import { DetachContext } from '~/environment/DetachContext'
import { to } from '~/lib/paths'
import { Action, ActionIcon, Anchor, Empty, Group, Stack, Table, Text, Title, VisuallyHidden } from '~/ui'

import { lacking, useStack } from '../here'
import type { StackContext } from './elements'

/** The contexts that the stack has, those that win first, and how each came to it. */
export function StackContexts({ contexts }: { contexts: readonly StackContext[] }) {
  const stack = useStack()
  const [attaching, setAttaching] = useState(false)
  const [leaving, setLeaving] = useState<StackContext>()
  const why = lacking(stack, 'STACK_MANAGE')
  return (
    <Stack gap="sm" component="section" aria-labelledby="contexts">
      <Group justify="space-between">
        <Title order={2} id="contexts">
          Contexts
        </Title>
        <Action why={why} onClick={() => setAttaching(true)}>
          Attach context
        </Action>
      </Group>
      {contexts.length === 0 ? (
        <Empty title="No context">
          A context holds variables, files and hooks for several stacks. It is attached here, or by one of its
          labels.
        </Empty>
      ) : (
        <Table.ScrollContainer minWidth={320} type="native">
          <Table aria-label="Contexts" verticalSpacing={6} highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Context</Table.Th>
                <Table.Th>How</Table.Th>
                <Table.Th w={44}>
                  <VisuallyHidden>Actions</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {contexts.map((one) => (
                <Table.Tr key={one.id}>
                  <Table.Td>
                    <Anchor component={Link} to={to.context(one.contextId)} size="sm" fw={600}>
                      {one.contextName}
                    </Anchor>
                    {one.contextDescription && (
                      <Text size="xs" c="dimmed" lineClamp={1}>
                        {one.contextDescription}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>
                    <Text size="sm">
                      {one.isAutoattached ? 'by a label' : `attached, priority ${one.priority}`}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    {!one.isAutoattached && !why && (
                      <ActionIcon
                        variant="subtle"
                        color="red"
                        aria-label={`Detach ${one.contextName}`}
                        onClick={() => setLeaving(one)}
                      >
                        <IconX size={16} />
                      </ActionIcon>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {attaching && (
        <AttachContext
          stack={{ id: stack.id, name: stack.name }}
          taken={contexts.filter((one) => !one.isAutoattached).map((one) => one.contextId)}
          onClose={() => setAttaching(false)}
        />
      )}
      {leaving && (
        <DetachContext
          id={leaving.id}
          context={leaving.contextName}
          stack={stack.name}
          onClose={() => setLeaving(undefined)}
        />
      )}
    </Stack>
  )
}
