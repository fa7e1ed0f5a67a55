import { lazy, Suspense, type ReactNode } from 'react'
import { Link } from 'react-router'
import { useQuery } from 'urql'

import { useCalm } from '~/graphql/calm'
import { useSignals, type Topic } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { Anchor, Button, Coming, Empty, Grid, Group, Paper, Stack, Text, Title, Trouble } from '~/ui'

import classes from './Dashboard.module.css'
import { ASKED, DURATIONS_ASKED, DurationsQuery, OverviewQuery, type Overview } from './overview'
import { durations } from './phases'
import { Pools } from './Pools'
import { decision, failure, LockedRows, RunRows, waitingFor } from './RunRows'

const DurationsChart = lazy(() => import('./DurationsChart'))

const ACTIVITY: readonly Topic[] = ['activity']
/** Milliseconds: whatever goes on, the page stands still for as long as it takes to read a line. */
const CALM = 3_000

/** What goes on, and above all what waits for somebody. */
export default function Dashboard() {
  const [{ data, error }, ask] = useQuery({ query: OverviewQuery, variables: ASKED })
  const [measured, measure] = useQuery({
    query: DurationsQuery,
    variables: { input: DURATIONS_ASKED },
    pause: !data,
  })
  const again = useCalm(() => {
    ask({ requestPolicy: 'network-only' })
    measure({ requestPolicy: 'network-only' })
  }, CALM)
  useSignals(ACTIVITY, again)
  if (error && !data) {
    return <Trouble title="The overview could not be loaded" {...problemOf(error)} />
  }
  return (
    <Stack gap="md" className={classes.page ?? ''}>
      <Title order={1}>Overview</Title>
      {error && <Trouble title="This is not the newest" {...problemOf(error)} />}
      {!data ? (
        <Coming height={480} />
      ) : data.stacks.total === 0 ? (
        <Beginning />
      ) : (
        <Page of={data} runs={measured.data?.searchRuns.edges.map((edge) => edge.node)} />
      )}
    </Stack>
  )
}

function Beginning() {
  return (
    <Empty
      title="Nothing is here yet"
      action={
        <Group justify="center">
          <Button component={Link} to={to.launchpad()}>
            From here to the first apply
          </Button>
          <Button component={Link} to={to.newStack()} variant="default">
            Create the first stack
          </Button>
        </Group>
      }
    >
      A stack joins a directory of a Git repository to the infrastructure that it describes. Once it has
      run, this page shows what waits for you, what failed, and how long things take.
    </Empty>
  )
}

type MeasuredRun = {
  run: { id: string; title: string; history: readonly { state: string; timestamp: number }[] }
  stack: { id: string; name: string }
}

function Page({ of, runs }: { of: Overview; runs: readonly MeasuredRun[] | undefined }) {
  const going = counts(of.going.fields[0]?.values)
  const asking = sum(going, ['UNCONFIRMED', 'PENDING_REVIEW'])
  const waiting = sum(going, ['QUEUED', 'READY', 'CONFIRMED', 'REPLAN_REQUESTED'])
  const locked = of.locked.edges.map((edge) => edge.node)
  const unknown = locked.filter((stack) => stack.unknownOutcome)
  const others = locked.filter((stack) => !stack.unknownOutcome)
  const attention = of.attention.edges.map((edge) => edge.node)
  const failed = of.failed.edges.map((edge) => edge.node)
  const held = of.waiting.edges.map((edge) => edge.node)
  const states = counts(of.stacks.fields[0]?.values)
  const locks = counts(of.stacks.fields[1]?.values)
  return (
    <>
      <div className={classes.numbers}>
        <Number count={asking} words="need a decision" path={`${to.stacks()}?f.state=UNCONFIRMED`} loud="asks" />
        <Number count={states['FAILED'] ?? 0} words="stacks failed" path={`${to.stacks()}?f.state=FAILED`} loud="bad" />
        <Number count={locks['true'] ?? 0} words="stacks locked" path={`${to.stacks()}?f.locked=true`} loud="held" />
        <Number count={waiting} words="runs wait" path={to.workers()} />
        <Number count={of.going.total - asking - waiting} words="runs at work" path={to.workers()} />
        <Number count={of.stacks.total} words="stacks" path={to.stacks()} />
      </div>
      <Grid>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack gap="md">
            <Part title="Needs attention" more={more(asking, attention.length, `${to.stacks()}?f.state=UNCONFIRMED`)}>
              {attention.length + unknown.length === 0 ? (
                <Quiet>Nothing waits for anybody. Plans that want a decision appear here.</Quiet>
              ) : (
                <>
                  {unknown.length > 0 && <LockedRows stacks={unknown} label="Outcomes unknown" />}
                  {attention.length > 0 && (
                    <RunRows runs={attention} label="Runs that need a decision" say={decision} />
                  )}
                </>
              )}
            </Part>
            <Part title="Failed lately" more={<All path={`${to.stacks()}?f.state=FAILED`}>Stacks that failed</All>}>
              {failed.length === 0 ? (
                <Quiet>No run has failed.</Quiet>
              ) : (
                <RunRows runs={failed} label="Runs that failed" say={failure} />
              )}
            </Part>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack gap="md">
            <Part title="Workers" more={<All path={to.workers()}>All pools</All>}>
              <Pools of={of} />
            </Part>
            <Part title="Waiting, and why" more={more(waiting, held.length, to.workers())}>
              {held.length === 0 ? (
                <Quiet>No run waits for a worker or for its turn.</Quiet>
              ) : (
                <RunRows runs={held} label="Runs that wait" say={waitingFor} />
              )}
            </Part>
            <Part
              title="Locked longest"
              more={more(locks['true'] ?? 0, locked.length, `${to.stacks()}?f.locked=true`)}
            >
              {others.length === 0 ? (
                <Quiet>Nobody keeps a stack locked.</Quiet>
              ) : (
                <LockedRows stacks={others} label="Locked stacks" />
              )}
            </Part>
          </Stack>
        </Grid.Col>
        <Grid.Col span={12}>
          <Part title="How long runs take">
            <Durations runs={runs} />
          </Part>
        </Grid.Col>
      </Grid>
    </>
  )
}

function Durations({ runs }: { runs: readonly MeasuredRun[] | undefined }) {
  if (!runs) return <Coming height={220} />
  if (runs.length === 0) {
    return <Quiet>Once runs have finished, this shows how long they waited, planned and applied.</Quiet>
  }
  const measured = runs.map(({ run, stack }) => ({
    id: run.id,
    title: run.title,
    stack,
    took: durations(run.history),
  }))
  return (
    <Suspense fallback={<Coming height={220} />}>
      <DurationsChart runs={measured} />
    </Suspense>
  )
}

function Number(props: { count: number; words: string; path: string; loud?: 'asks' | 'bad' | 'held' }) {
  const color = props.loud && props.count > 0 ? `var(--${props.loud})` : undefined
  return (
    <Link to={props.path} className={classes.number}>
      <Text fz={26} fw={650} lh={1.1} {...(color ? { c: color } : {})}>
        {props.count.toLocaleString()}
      </Text>
      <Text size="xs" c="dimmed">
        {props.words}
      </Text>
    </Link>
  )
}

function Part(props: { title: string; more?: ReactNode; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" aria-label={props.title}>
      <Group justify="space-between" mb="xs" gap="xs">
        <Title order={2}>{props.title}</Title>
        {props.more}
      </Group>
      {props.children}
    </Paper>
  )
}

function Quiet({ children }: { children: ReactNode }) {
  return (
    <Text size="sm" c="dimmed">
      {children}
    </Text>
  )
}

function All({ path, children }: { path: string; children: ReactNode }) {
  return (
    <Anchor component={Link} to={path} size="sm">
      {children}
    </Anchor>
  )
}

function more(all: number, shown: number, path: string): ReactNode {
  return all > shown ? <All path={path}>All {all.toLocaleString()}</All> : undefined
}

function counts(values: readonly { value: string; count: number }[] | undefined): Partial<Record<string, number>> {
  return Object.fromEntries((values ?? []).map(({ value, count }) => [value, count]))
}

function sum(of: Partial<Record<string, number>>, keys: readonly string[]): number {
  return keys.reduce((all, key) => all + (of[key] ?? 0), 0)
}
