import type { ReactNode } from 'react'
import { Link } from 'react-router'

import { graphql, readFragment, type FragmentOf } from '~/graphql/gql'
import { to } from '~/lib/paths'
import { Anchor, Code, Table, Text, When } from '~/ui'

export const RunDetailsFields = graphql(`
  fragment RunDetailsFields on Run {
    id
    type
    branch
    command
    createdAt
    triggeredBy
    triggerKind
    driftDetection
    retryOf
    toolVersion
    planSerial
    priority
    targets
    userMetadata
    commit {
      hash
      message
      authorName
      timestamp
      url
    }
  }
`)

/** What a run was made of: commit, branch, who started it and how. */
export function RunDetails(props: {
  stack: string
  pool: { id: string; name: string } | null | undefined
  run: FragmentOf<typeof RunDetailsFields>
}) {
  const run = readFragment(RunDetailsFields, props.run)
  const { commit } = run
  return (
    <Table aria-label="Details" layout="fixed" verticalSpacing={6}>
      <Table.Tbody>
        <Row name="Run">
          <Code>{run.id}</Code>
        </Row>
        <Row name="Type">
          {run.type.toLowerCase()}
          {run.driftDetection && ', looks for drift only'}
        </Row>
        <Row name="Started">
          <When at={run.createdAt} /> {run.triggeredBy ? `by ${run.triggeredBy}` : 'by a push'} ({run.triggerKind})
        </Row>
        {run.retryOf && (
          <Row name="Repeats">
            <Anchor component={Link} to={to.run(props.stack, run.retryOf)} size="sm">
              an earlier run
            </Anchor>
          </Row>
        )}
        {run.command && (
          <Row name="Command">
            <Code block>{run.command}</Code>
          </Row>
        )}
        {run.branch && <Row name="Branch">{run.branch}</Row>}
        {commit && (
          <Row name="Commit">
            {commit.url ? (
              <Anchor href={commit.url} size="sm" rel="noreferrer" target="_blank">
                <code>{commit.hash}</code>
              </Anchor>
            ) : (
              <code>{commit.hash}</code>
            )}
            <Text size="sm" mt={4} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
              {commit.message}
            </Text>
            <Text size="xs" c="dimmed">
              {commit.authorName}, <When at={commit.timestamp} />
            </Text>
          </Row>
        )}
        {run.toolVersion && <Row name="Tool version">{run.toolVersion}</Row>}
        {run.planSerial != null && <Row name="Planned on state">serial {run.planSerial}</Row>}
        <Row name="Worker pool">
          {props.pool ? (
            <Anchor component={Link} to={to.pool(props.pool.id)} size="sm">
              {props.pool.name}
            </Anchor>
          ) : (
            'the public pool'
          )}
        </Row>
        {run.priority !== 0 && <Row name="Priority">{run.priority > 0 ? 'before others' : 'behind others'}</Row>}
        {run.targets.length > 0 && (
          <Row name="Limited to">
            <Code block>{run.targets.join('\n')}</Code>
          </Row>
        )}
        {run.userMetadata.length > 0 && (
          <Row name="Metadata">
            <Code block>{run.userMetadata.join('\n')}</Code>
          </Row>
        )}
      </Table.Tbody>
    </Table>
  )
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th w="28%" fw={500} style={{ verticalAlign: 'top' }}>
        {name}
      </Table.Th>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{children}</Table.Td>
    </Table.Tr>
  )
}
