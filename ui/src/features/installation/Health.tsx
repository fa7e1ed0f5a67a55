import { useState } from 'react'
import { Link } from 'react-router'
import { useQuery } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { lacking, useRights } from '~/graphql/rights'
import { to } from '~/lib/paths'
import { ago, exact } from '~/lib/time'
import { Action, Alert, Anchor, Badge, Card, Coming, Empty, Group, Stack, Table, Text, Title, Trouble, When, useNow } from '~/ui'

import { Checks } from './Checks'

const HealthQuery = graphql(`
  query Health {
    processes {
      id
      kind
      host
      release
      startedAt
      heardAt
      state
    }
    publicWorkerPool {
      id
      workers {
        id
        version
        createdAt
        lastSeenAt
        status
        leaving
      }
    }
    workerPools {
      id
      name
      workers {
        id
        version
        createdAt
        lastSeenAt
        status
        leaving
      }
    }
  }
`)

interface Part {
  id: string
  kind: string
  /** Where to look further. */
  at?: string
  where: string
  release: string
  since: number
  heard: number
  state: { word: string; color: string }
}

/** Every process of the installation, its release, and when it was last heard of. */
export default function Health() {
  const rights = useRights()
  const forbidden = lacking(rights, 'SPACE_ADMIN')
  const [{ data, error, fetching }, ask] = useQuery({
    query: HealthQuery,
    pause: !rights || forbidden !== undefined,
    requestPolicy: 'network-only',
  })
  const looked = useWhen(data)
  if (forbidden) return <Empty title="Only administrators see this">{forbidden}</Empty>

  const parts = data ? partsOf(data) : undefined
  const releases = [...new Set(parts?.map((part) => part.release))]
  return (
    <Stack gap="xl">
      <Stack component="section" gap="sm">
        <Group justify="space-between">
          <Title order={2}>Processes</Title>
          <Action
            variant="default"
            size="compact-sm"
            loading={fetching && data !== undefined}
            onClick={() => ask({ requestPolicy: 'network-only' })}
          >
            Look again
          </Action>
        </Group>
        <Text size="sm" c="dimmed">
          Each tells every few seconds that it is there, and nobody else is told: what you see here is as it was when
          this page looked
          {looked !== undefined && (
            <>
              , <When at={looked} />
            </>
          )}
          .
        </Text>
        {error && <Trouble title="The processes could not be loaded" {...problemOf(error)} />}
        {releases.length > 1 && (
          <Alert color="yellow" title="Several releases are at work">
            {releases.join(', ')}. That is as it should be during an upgrade. Afterwards bring all of them
            to one release.
          </Alert>
        )}
        {parts && looked !== undefined ? <Parts parts={parts} looked={looked} /> : <Coming height={200} />}
      </Stack>
      <Stack component="section" gap="sm">
        <Title order={2}>Checks</Title>
        <Text size="sm" c="dimmed">
          Tried out from the server you are talking to. On a terminal, <code>gantry admin doctor</code> does
          the same from any machine.
        </Text>
        <Card withBorder>
          <Checks />
        </Card>
      </Stack>
    </Stack>
  )
}

/** The moment at which the answer came, in Unix seconds. */
function useWhen(answer: unknown): number | undefined {
  const now = useNow()
  const [seen, setSeen] = useState({ answer, at: now })
  if (seen.answer !== answer) setSeen({ answer, at: now })
  return answer === undefined ? undefined : seen.at
}

function Parts({ parts, looked }: { parts: readonly Part[]; looked: number }) {
  return (
    <Table.ScrollContainer minWidth={640} type="native" tabIndex={0}>
      <Table aria-label="Processes" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Process</Table.Th>
            <Table.Th>Where</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Release</Table.Th>
            <Table.Th>Started</Table.Th>
            <Table.Th>Last heard, by then</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {parts.map((part) => (
            <Table.Tr key={part.id}>
              <Table.Td>
                {part.at ? (
                  <Anchor component={Link} to={part.at} size="sm">
                    {part.kind}
                  </Anchor>
                ) : (
                  part.kind
                )}
              </Table.Td>
              <Table.Td>{part.where}</Table.Td>
              <Table.Td>
                <Badge variant="light" color={part.state.color}>
                  {part.state.word}
                </Badge>
              </Table.Td>
              <Table.Td>{part.release || 'unknown'}</Table.Td>
              <Table.Td>
                <When at={part.since} />
              </Table.Td>
              <Table.Td>
                {/* As it was then: nobody has asked since. */}
                <time dateTime={new Date(part.heard * 1000).toISOString()} title={exact(part.heard)}>
                  {ago(part.heard, looked)}
                </time>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

type Data = ResultOf<typeof HealthQuery>

const WORKING = { word: 'at work', color: 'green' }
const SILENT = { word: 'silent', color: 'red' }
const LEAVING = { word: 'leaving', color: 'gray' }
const DRAINED = { word: 'drained', color: 'yellow' }

function partsOf(data: Data): Part[] {
  const processes = data.processes.map((one) => ({
    id: one.id,
    kind: one.kind,
    where: one.host,
    release: one.release,
    since: one.startedAt,
    heard: one.heardAt,
    state: one.state === 'WORKING' ? WORKING : SILENT,
  }))
  const pools = [
    { name: 'built-in pool', at: to.publicPool(), workers: data.publicWorkerPool.workers },
    ...data.workerPools.map((pool) => ({ name: pool.name, at: to.pool(pool.id), workers: pool.workers })),
  ]
  const workers = pools.flatMap((pool) =>
    pool.workers.map((worker) => ({
      id: worker.id,
      kind: 'worker',
      at: pool.at,
      where: pool.name,
      release: worker.version,
      since: worker.createdAt,
      heard: worker.lastSeenAt,
      state: worker.leaving ? LEAVING : worker.status === 'DRAINED' ? DRAINED : WORKING,
    })),
  )
  return [...processes, ...workers]
}
