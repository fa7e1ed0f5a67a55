import { lazy, Suspense } from 'react'
import { Link, useParams, useSearchParams } from 'react-router'

import { graphql, type ResultOf } from '~/graphql/gql'
import { useLiveQuery, type Topic } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { LogView } from '~/features/logs/LogView'
import { to } from '~/lib/paths'
import { Alert, Anchor, Badge, Breadcrumbs, Coming, Empty, Grid, Group, Stack, Tabs, Text, Title, Trouble, When } from '~/ui'

import { RunActions, RunActionsFields } from './RunActions'
import { RunStanding, RunStandingFields } from './RunStanding'
import { RunState, RunStateFields, wordOf } from './RunState'
import { RunTimeline, RunTimelineFields } from './RunTimeline'
import { RunTalk, RunTalkFields } from './RunTalk'
import { RunUnknown } from './RunUnknown'

const RunChanges = lazy(() => import('./RunChanges'))

const RunQuery = graphql(
  `
    query Run($stack: ID!, $run: ID!) {
      stack(id: $stack) {
        id
        name
        lockedBy
        lockNote
        run(id: $run) {
          id
          type
          title
          branch
          command
          createdAt
          triggeredBy
          driftDetection
          state
          outcomeUnknown
          failureReason
          commit {
            hash
            message
            authorName
            url
          }
          delta {
            addCount
            changeCount
            deleteCount
            importCount
            moveCount
          }
          history {
            state
            stateVersion
            hasLogs
          }
          ...RunStateFields
          ...RunActionsFields
          ...RunStandingFields
          ...RunTimelineFields
          ...RunTalkFields
        }
      }
    }
  `,
  [RunStateFields, RunActionsFields, RunStandingFields, RunTimelineFields, RunTalkFields],
)

type Found = NonNullable<ResultOf<typeof RunQuery>['stack']>
type Run = NonNullable<Found['run']>

/** A run: where it stands, what it does and did, and what can be decided about it. */
export default function RunPage() {
  const { stackId = '', runId = '' } = useParams()
  const topics: Topic[] = [`run:${runId}`, `stack:${stackId}`]
  const { data, error, live } = useLiveQuery(RunQuery, { stack: stackId, run: runId }, () => topics)
  if (error && !data) return <Trouble title="This run could not be loaded" {...problemOf(error)} />
  if (!data) return <Coming height={480} />
  const { stack } = data
  if (!stack?.run) {
    return (
      <Empty page title="There is no such run">
        It may have been deleted with its stack, or you may not see it.
      </Empty>
    )
  }
  return <Page stack={stack} run={stack.run} live={live} />
}

function Page({ stack, run, live }: { stack: Found; run: Run; live: boolean }) {
  const [params, setParams] = useSearchParams()
  const phases = run.history.filter((step) => step.hasLogs).toReversed()
  const asked = Number(params.get('log') ?? NaN)
  const phase = phases.find((step) => step.stateVersion === asked) ?? phases.at(-1)
  const tab = params.get('tab') === 'changes' ? 'changes' : phase ? `log-${phase.stateVersion}` : 'none'
  return (
    <Stack gap="md">
      <Breadcrumbs>
        <Anchor component={Link} to={to.stacks()}>
          Stacks
        </Anchor>
        <Anchor component={Link} to={to.stack(stack.id)}>
          {stack.name}
        </Anchor>
      </Breadcrumbs>
      <Group justify="space-between" align="flex-start">
        <Stack gap={4}>
          <Group gap="sm">
            <Title order={1}>{run.title || run.id}</Title>
            <RunState run={run} />
            {!live && (
              <Badge variant="outline" color="orange">
                not live
              </Badge>
            )}
          </Group>
          <Facts run={run} />
        </Stack>
        <RunActions stack={stack.id} run={run} />
      </Group>

      {run.outcomeUnknown && <RunUnknown stack={stack} reason={run.failureReason} />}
      {!run.outcomeUnknown && run.failureReason && (
        <Alert color="red" title="Why it failed" role="status">
          {run.failureReason}
        </Alert>
      )}
      <RunStanding stack={stack.id} run={run} />

      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 9 }}>
          <Tabs
            value={tab}
            keepMounted={false}
            onChange={(next) => {
              if (next === 'changes') setParams({ tab: 'changes' }, { replace: true })
              else if (next) setParams({ log: next.replace('log-', '') }, { replace: true })
            }}
          >
            <Tabs.List mb="sm">
              {phases.map((step) => (
                <Tabs.Tab key={step.stateVersion} value={`log-${step.stateVersion}`}>
                  {wordOf(step.state)}
                </Tabs.Tab>
              ))}
              {run.delta && (
                <Tabs.Tab value="changes" ml="auto">
                  Changes <Delta delta={run.delta} />
                </Tabs.Tab>
              )}
            </Tabs.List>
            {phases.map((step) => (
              <Tabs.Panel key={step.stateVersion} value={`log-${step.stateVersion}`}>
                <LogView
                  key={`${run.id}/${step.stateVersion}`}
                  run={run.id}
                  version={step.stateVersion}
                  name={wordOf(step.state)}
                />
              </Tabs.Panel>
            ))}
            <Tabs.Panel value="changes">
              <Suspense fallback={<Coming height={320} />}>
                <RunChanges stack={stack.id} run={run.id} />
              </Suspense>
            </Tabs.Panel>
          </Tabs>
          {phases.length === 0 && (
            <Empty title="No log yet">The log begins when a worker takes the run.</Empty>
          )}
          <RunTalk stack={stack.id} run={run} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 3 }}>
          <RunTimeline stack={stack.id} run={run} />
        </Grid.Col>
      </Grid>
    </Stack>
  )
}

function Facts({ run }: { run: Run }) {
  return (
    <Text size="sm" c="dimmed">
      {run.type.toLowerCase()}
      {run.driftDetection && ' · drift detection'} · {run.triggeredBy ?? 'a push'} · <When at={run.createdAt} />
      {run.branch && ` · ${run.branch}`}
      {run.commit && (
        <>
          {' '}
          · <code title={run.commit.message}>{run.commit.hash.slice(0, 8)}</code> {run.commit.authorName}
        </>
      )}
      {run.command && (
        <>
          {' '}
          · <code>{run.command}</code>
        </>
      )}
    </Text>
  )
}

/** How much a plan adds, changes, deletes, imports and moves. */
export function Delta({ delta }: { delta: NonNullable<Run['delta']> }) {
  const parts = [
    { sign: '+', count: delta.addCount, color: 'green', word: 'to add' },
    { sign: '~', count: delta.changeCount, color: 'yellow', word: 'to change' },
    { sign: '−', count: delta.deleteCount, color: 'red', word: 'to delete' },
    { sign: '↓', count: delta.importCount, color: 'blue', word: 'to import' },
    { sign: '→', count: delta.moveCount, color: 'gray', word: 'to move' },
  ].filter((part, n) => part.count > 0 || n < 3)
  return (
    <Group gap={4} component="span" display="inline-flex" ml={6}>
      {parts.map((part) => (
        <Badge
          key={part.word}
          size="sm"
          variant="light"
          color={part.count > 0 ? part.color : 'gray'}
          title={`${part.count} ${part.word}`}
        >
          {part.sign}
          {part.count}
        </Badge>
      ))}
    </Group>
  )
}
