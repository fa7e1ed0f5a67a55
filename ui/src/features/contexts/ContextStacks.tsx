import { IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'react-router'

import { AttachContext } from '~/environment/AttachContext'
import { DetachContext } from '~/environment/DetachContext'
import { to } from '~/lib/paths'
import { Action, ActionIcon, Anchor, Empty, Group, Stack, Table, Text, Title, VisuallyHidden } from '~/ui'

import type { Context } from './documents'

type Attached = Context['attachedStacks'][number]

/** The stacks that have the context, of those that the viewer sees, and how each came to it. */
export function ContextStacks({ context }: { context: Context }) {
  const [attaching, setAttaching] = useState(false)
  const [leaving, setLeaving] = useState<Attached>()
  const stacks = context.attachedStacks
  return (
    <Stack gap="sm" component="section" aria-labelledby="stacks">
      <Group justify="space-between">
        <Title order={2} id="stacks">
          Stacks that have it
        </Title>
        <Action onClick={() => setAttaching(true)}>Attach to a stack</Action>
      </Group>
      {stacks.length === 0 ? (
        <Empty title="No stack has it">
          Attach it to stacks one by one, or give it a label that attaches it: autoattach: and the label of the stacks.
        </Empty>
      ) : (
        <Table.ScrollContainer minWidth={320} type="native">
          <Table aria-label="Stacks that have it" verticalSpacing={6} highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Stack</Table.Th>
                <Table.Th>How</Table.Th>
                <Table.Th w={44}>
                  <VisuallyHidden>Actions</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {stacks.map((one) => (
                <Table.Tr key={one.id}>
                  <Table.Td>
                    <Anchor component={Link} to={to.stackTab(one.stackId, 'environment')} size="sm" fw={600}>
                      {one.stackName}
                    </Anchor>
                  </Table.Td>
                  <Table.Td>
                    <Text size="sm">
                      {one.isAutoattached ? 'by a label' : `attached, priority ${one.priority}`}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    {!one.isAutoattached && (
                      <ActionIcon
                        variant="subtle"
                        color="red"
                        aria-label={`Detach from ${one.stackName}`}
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
          context={{ id: context.id, name: context.name }}
          taken={stacks.filter((one) => !one.isAutoattached).map((one) => one.stackId)}
          onClose={() => setAttaching(false)}
        />
      )}
      {leaving && (
        <DetachContext
          id={leaving.id}
          context={context.name}
          stack={leaving.stackName}
          onClose={() => setLeaving(undefined)}
        />
      )}
    </Stack>
  )
}
