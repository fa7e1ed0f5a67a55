import { useState } from 'react'
import { Link } from 'react-router'
import { useMutation } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'
import { useLiveQuery } from '~/graphql/live'
import { problemOf, type Problem } from '~/graphql/problem'
import { lacking, useRights } from '~/graphql/rights'
import { to } from '~/lib/paths'
import { Action, Alert, Anchor, Button, Card, Group, Loader, Stack, Text, Title, Trouble } from '~/ui'

import { firstChoice, keyFor, KeyChooser, keyLacking } from './PoolKey'
import { PoolFields, noSettings } from './PoolFields'
import { StartWorkers } from './StartWorkers'

const CreateMutation = graphql(`
  mutation CreatePool(
    $name: String!
    $request: String!
    $description: String
    $labels: [String!]
    $limit: Int
  ) {
    workerPoolCreate(
      name: $name
      certificateSigningRequest: $request
      description: $description
      labels: $labels
      driftDetectionRunLimit: $limit
    ) {
      id
      name
      config
    }
  }
`)

const FirstWorkerQuery = graphql(`
  query FirstWorker($id: ID!) {
    workerPool(id: $id) {
      id
      workersCount
    }
  }
`)

type Pool = ResultOf<typeof CreateMutation>['workerPoolCreate']

/** A new pool: its name, its key, and then how its workers are started. */
export default function NewPoolPage() {
  const [made, setMade] = useState<{ pool: Pool; privateKey: string | undefined }>()
  return (
    <Stack maw={760}>
      <Anchor component={Link} to={to.workers()} size="sm">
        All workers
      </Anchor>
      {made ? <Made {...made} /> : <NewPool onMade={setMade} />}
    </Stack>
  )
}

function NewPool(props: { onMade: (made: { pool: Pool; privateKey: string | undefined }) => void }) {
  const rights = useRights()
  const [settings, setSettings] = useState(noSettings)
  const [key, setKey] = useState(firstChoice)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const [, create] = useMutation(CreateMutation)
  const why =
    lacking(rights, 'WORKER_POOL_CREATE') ??
    (settings.name.trim() === '' ? 'Give the pool a name first.' : keyLacking(key))

  async function make() {
    setBusy(true)
    setProblem(undefined)
    try {
      const { request, privateKey } = await keyFor(key, settings.name)
      const { data, error } = await create({
        name: settings.name,
        request,
        description: settings.description || null,
        labels: settings.labels,
        limit: settings.limit,
      })
      if (data) props.onMade({ pool: data.workerPoolCreate, privateKey })
      else if (error) setProblem(problemOf(error))
    } catch (error) {
      setProblem({ sentence: `The browser could not make the key: ${String(error)}`, code: undefined })
    }
    setBusy(false)
  }

  return (
    <>
      <div>
        <Title order={1}>Create a worker pool</Title>
        <Text c="dimmed">
          Workers that share a key. Stacks choose a pool by its name; its workers run where you start
          them, and reach what those machines reach.
        </Text>
      </div>
      <Card withBorder>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (!why) void make()
          }}
        >
          <Stack>
            <PoolFields settings={settings} onChange={setSettings} />
            <KeyChooser choice={key} onChange={setKey} name={settings.name} />
            {problem && <Trouble title="The pool was not made" {...problem} />}
            <Group justify="flex-end">
              <Button component={Link} to={to.workers()} variant="default">
                Cancel
              </Button>
              <Action type="submit" loading={busy} why={why}>
                Create the pool
              </Action>
            </Group>
          </Stack>
        </form>
      </Card>
    </>
  )
}

function Made({ pool, privateKey }: { pool: Pool; privateKey: string | undefined }) {
  const { data } = useLiveQuery(FirstWorkerQuery, { id: pool.id }, () => [`queue:${pool.id}`])
  const count = data?.workerPool?.workersCount ?? 0
  return (
    <>
      <div>
        <Title order={1}>Pool {pool.name} is made</Title>
        <Text c="dimmed">Now start a worker.</Text>
      </div>
      <Card withBorder>
        <StartWorkers pool={pool.name} token={pool.config} privateKey={privateKey} />
      </Card>
      {count === 0 ? (
        <Group gap="sm" role="status">
          <Loader size="xs" aria-hidden />
          <Text size="sm">Waiting for the first worker. This page notices it by itself.</Text>
        </Group>
      ) : (
        <Alert color="green" title={count === 1 ? 'A worker is there' : `${count} workers are there`} role="status">
          Stacks can use the pool now.
        </Alert>
      )}
      <Group>
        <Button component={Link} to={to.pool(pool.id)} variant={count === 0 ? 'default' : 'filled'}>
          To the pool
        </Button>
      </Group>
    </>
  )
}
