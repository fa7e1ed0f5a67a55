import { useEffect, useRef } from 'react'
import { useQuery } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { Coming, Empty, Stack, Table, Text, Trouble } from '~/ui'

const OutputsQuery = graphql(`
  query RunOutputs($stack: ID!) {
    stack(id: $stack) {
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

/** What the stack gives to others since the apply. */
export default function RunOutputs({ stack, version, newest }: { stack: string; version: number; newest: boolean }) {
  const [{ data, error }, ask] = useQuery({ query: OutputsQuery, variables: { stack } })
  const asked = useRef(version)
  useEffect(() => {
    if (asked.current === version) return
    asked.current = version
    ask({ requestPolicy: 'network-only' })
  }, [version, ask])

  if (error && !data) {
    return <Trouble title="The outputs could not be loaded" {...problemOf(error)} />
  }
  if (!data?.stack) return <Coming height={160} />
  const { outputs } = data.stack
  if (outputs.length === 0) {
    return (
      <Empty title="No outputs">
        What the code declares as an output is shown here after an apply, and can be used by other stacks.
      </Empty>
    )
  }
  return (
    <Stack gap="xs">
      {!newest && (
        <Text size="sm" c="dimmed">
          These are the stack&apos;s outputs as they are now. Runs after this one may have changed them.
        </Text>
      )}
      <Table.ScrollContainer minWidth={420} type="native">
        <Table aria-label="Outputs" verticalSpacing={6} layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="30%">Name</Table.Th>
              <Table.Th>Value</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {outputs.map((output) => (
              <Table.Tr key={output.id}>
                <Table.Td style={{ verticalAlign: 'top' }}>
                  <Text ff="monospace" size="sm" style={{ overflowWrap: 'anywhere' }}>
                    {output.id}
                  </Text>
                  {output.description && (
                    <Text size="xs" c="dimmed">
                      {output.description}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td>
                  {output.sensitive ? (
                    <Text size="sm" fs="italic" c="dimmed">
                      secret
                    </Text>
                  ) : (
                    <Text ff="monospace" size="sm" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
                      {output.value}
                    </Text>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  )
}
