import { lazy, Suspense } from 'react'
import { Link, useNavigate, useParams } from 'react-router'

import { graphql, type ResultOf } from '~/graphql/gql'
import { useLiveQuery, type Topic } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { RunState, RunStateFields } from '~/runs/RunState'
import { Alert, Anchor, Badge, Breadcrumbs, Coming, Empty, Grid, Group, Stack, Tabs, Text, Title, Trouble, When } from '~/ui'

import { whyNot } from './decisions'
import { Delta, DeltaFields } from './Delta'
import { RunActions, RunActionsFields } from './RunActions'
import { RunConfiguration } from './RunConfiguration'
import { RunDetails, RunDetailsFields } from './RunDetails'
import { RunPhases, RunPhasesFields } from './RunPhases'
import { RunStanding, RunStandingFields } from './RunStanding'
import { RunTalk, RunTalkFields } from './RunTalk'
import { RunTimeline, RunTimelineFields } from './RunTimeline'
import { RunUnknown } from './RunUnknown'

const RunChanges = lazy(() => import('./RunChanges'))
const RunOutputs = lazy(() => import('./RunOutputs'))

const RunQuery = graphql(
  `
    query Run($stack: ID!, $run: ID!) {
      stack(id: $stack) {
        id
        name
        lockedBy
        workerPool {
          id
          name
        }
        run(id: $run) {
          id
          type
          title
          branch
          createdAt
          triggeredBy
          driftDetection
          state
          stateVersion
          finished
          isMostRecent
          outcomeUnknown
          failureReason
          targets
          commit {
            hash
            message
            authorName
          }
          delta {
            ...DeltaFields
          }
          choices {
            decision
            possible
            refusal
            code
          }
          condition {
            reason
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
          ...RunPhasesFields
          ...RunDetailsFields
          ...RunTalkFields
        }
      }
    }
  `,
  [
    DeltaFields,
    RunStateFields,
    RunActionsFields,
    RunStandingFields,
    RunTimelineFields,
    RunPhasesFields,
    RunDetailsFields,
    RunTalkFields,
  ],
)

type Found = NonNullable<ResultOf<typeof RunQuery>['stack']>
type Run = NonNullable<Found['run']>

const TABS = ['log', 'changes', 'outputs', 'details'] as const
type Tab = (typeof TABS)[number]

/** Only a run that came to one of these can have written outputs. */
const APPLYING = new Set<string>(['APPLYING', 'DESTROYING', 'PERFORMING'])

/** A run: where it stands, what it does and did, and what can be decided about it. */
export default function RunPage() {
  const { stackId = '', runId = '' } = useParams()
  const { data, error, live, again } = useLiveQuery(RunQuery, { stack: stackId, run: runId }, (known) =>
    topicsOf(stackId, runId, known?.stack),
  )
  if (error && !data) {
    return <Trouble title="This run could not be loaded" {...problemOf(error)} />
  }
  if (!data) return <Coming height={480} />
  const { stack } = data
  if (!stack?.run) {
    return (
      <Empty page title="There is no such run">
        It may have been deleted with its stack, or you may not see it.
      </Empty>
    )
  }
  return <Page key={stack.run.id} stack={stack} run={stack.run} live={live} again={again} />
}

/** The queue moves when other runs do: it is followed only while the run stands in it. */
function topicsOf(stack: string, run: string, found: Found | null | undefined): Topic[] {
  const pool = found?.run?.condition?.reason === 'NO_WORKER' ? found.workerPool : undefined
  return [`run:${run}`, `stack:${stack}`, ...(pool ? [`queue:${pool.id}` as const] : [])]
}

interface PageProps {
  stack: Found
  run: Run
  live: boolean
  again: () => void
}

function Page(props: PageProps) {
  const { stack, run } = props
  const go = useNavigate()
  const asked = useParams().tab
  const tab: Tab = TABS.find((one) => one === asked) ?? 'log'
  const plans = run.type !== 'TASK' && run.type !== 'PARSE'
  const applied = run.finished && run.history.some((step) => APPLYING.has(step.state))
  return (
    <Stack gap="md">
      <Header {...props} />
      {run.outcomeUnknown && (
        <RunUnknown
          stack={stack}
          run={run.id}
          lost={run.history.find((step) => step.hasLogs)?.stateVersion}
          reason={run.failureReason}
        />
      )}
      {!run.outcomeUnknown && run.failureReason && (
        <Alert color="red" title="Why it failed" role="status">
          <span style={{ overflowWrap: 'anywhere' }}>{run.failureReason}</span>
        </Alert>
      )}
      <RunStanding stack={stack.id} pool={stack.workerPool} run={run} />

      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 9 }}>
          <Tabs
            value={tab}
            keepMounted={false}
            onChange={(next) =>
              void go(next && next !== 'log' ? to.runTab(stack.id, run.id, next) : to.run(stack.id, run.id), {
                replace: true,
                preventScrollReset: true,
              })
            }
          >
            <Tabs.List mb="sm">
              <Tabs.Tab value="log">Log</Tabs.Tab>
              {plans && (
                <Tabs.Tab value="changes" {...(run.delta && { rightSection: <Delta delta={run.delta} /> })}>
                  Changes
                </Tabs.Tab>
              )}
              {applied && <Tabs.Tab value="outputs">Outputs</Tabs.Tab>}
              <Tabs.Tab value="details">Details</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="log">
              <RunPhases run={run} />
            </Tabs.Panel>
            <Tabs.Panel value="changes">
              <Suspense fallback={<Coming height={320} />}>
                <RunChanges
                  stack={stack.id}
                  run={run.id}
                  version={run.stateVersion}
                  planned={run.delta !== null}
                  targets={run.targets}
                  whyNoReplan={whyNot(run.choices.find((one) => one.decision === 'REPLAN'))}
                />
              </Suspense>
            </Tabs.Panel>
            <Tabs.Panel value="outputs">
              <Suspense fallback={<Coming height={160} />}>
                <RunOutputs stack={stack.id} version={run.stateVersion} newest={run.isMostRecent} />
              </Suspense>
            </Tabs.Panel>
            <Tabs.Panel value="details">
              <RunDetails stack={stack.id} pool={stack.workerPool} run={run} />
              <RunConfiguration stack={stack.id} run={run.id} version={run.stateVersion} />
            </Tabs.Panel>
          </Tabs>
          <RunTalk
            stack={stack.id}
            run={run}
            why={whyNot(run.choices.find((one) => one.decision === 'COMMENT'))}
          />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 3 }}>
          <RunTimeline stack={stack.id} run={run} />
        </Grid.Col>
      </Grid>
    </Stack>
  )
}

function Header({ stack, run, live, again }: PageProps) {
  return (
    <Stack gap="xs">
      <Breadcrumbs>
        <Anchor component={Link} to={to.stacks()}>
          Stacks
        </Anchor>
        <Anchor component={Link} to={to.stack(stack.id)}>
          {stack.name}
        </Anchor>
      </Breadcrumbs>
      <Group justify="space-between" align="flex-start">
        <Stack gap={4} flex="1 1 320px" miw={0}>
          <Group gap="sm">
            <Title order={1} lineClamp={2} title={run.title} style={{ overflowWrap: 'anywhere' }}>
              {run.title || run.id}
            </Title>
            <RunState run={run} />
            {!live && (
              <Badge variant="outline" color="orange" title="The server is not heard. What is shown may be old.">
                not live
              </Badge>
            )}
          </Group>
          <Facts run={run} />
        </Stack>
        <RunActions stack={stack.id} run={run} again={again} />
      </Group>
    </Stack>
  )
}

function Facts({ run }: { run: Run }) {
  return (
    <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
      {run.type.toLowerCase()}
      {run.driftDetection && ' · drift detection'} · {run.triggeredBy ?? 'a push'} · <When at={run.createdAt} />
      {run.branch && ` · ${run.branch}`}
      {run.commit && (
        <>
          {' '}
          · <code title={run.commit.message}>{run.commit.hash.slice(0, 8)}</code> {run.commit.authorName}
        </>
      )}
    </Text>
  )
}
