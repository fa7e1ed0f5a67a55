import { IconCheck, IconCopy, IconEyeOff } from '@tabler/icons-react'

import { graphql, type ResultOf } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { ActionIcon, Badge, Code, Coming, CopyButton, Empty, Group, Stack, Table, Text, VisuallyHidden } from '~/ui'

import { useStack, useStackQuery } from './here'
import { shown } from './outputs'

const OutputsQuery = graphql(`
  query StackOutputs($id: ID!) {
    stack(id: $id) {
      id
      outputs {
        id
        description
        sensitive
        value
      }
    }
  }
`)

type Output = NonNullable<ResultOf<typeof OutputsQuery>['stack']>['outputs'][number]

/** What the last successful apply handed out. */
export default function StackOutputs() {
  const stack = useStack()
  const { data, error } = useStackQuery(OutputsQuery, { id: stack.id })
  if (error && !data) return <Refused title="The outputs could not be loaded" error={error} />
  if (!data) return <Coming />
  const outputs = data.stack?.outputs ?? []
  if (outputs.length === 0) {
    return (
      <Empty title="No outputs">
        What the code declares with <Code>output</Code> stands here after the next apply that ends well.
      </Empty>
    )
  }
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        As of the last apply that ended well.
      </Text>
      <Table.ScrollContainer minWidth={320} type="native">
        <Table aria-label="Outputs" verticalSpacing={8}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>Value</Table.Th>
              <Table.Th w={44}>
                <VisuallyHidden>Copy</VisuallyHidden>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {outputs.map((output) => (
              <Row key={output.id} output={output} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  )
}

function Row({ output }: { output: Output }) {
  const text = output.value == null ? undefined : shown(output.value)
  return (
    <Table.Tr>
      <Table.Td valign="top">
        <Text size="sm" fw={600} ff="monospace">
          {output.id}
        </Text>
        {output.description && (
          <Text size="xs" c="dimmed">
            {output.description}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        {output.sensitive || text === undefined ? (
          <Group gap={6}>
            <Badge variant="light" color="gray" leftSection={<IconEyeOff size={12} aria-hidden />}>
              sensitive
            </Badge>
            <Text size="xs" c="dimmed">
              never shown here
            </Text>
          </Group>
        ) : (
          <Code block mah={240} style={{ overflow: 'auto' }} tabIndex={0}>
            {text}
          </Code>
        )}
      </Table.Td>
      <Table.Td valign="top">
        {text !== undefined && !output.sensitive && (
          <CopyButton value={text}>
            {({ copied, copy }) => (
              <ActionIcon
                variant="subtle"
                color={copied ? 'green' : 'gray'}
                onClick={copy}
                aria-label={copied ? 'Copied' : `Copy ${output.id}`}
              >
                {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
              </ActionIcon>
            )}
          </CopyButton>
        )}
      </Table.Td>
    </Table.Tr>
  )
}
