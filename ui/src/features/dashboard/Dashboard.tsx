import { lazy, Suspense, useState, type ReactNode } from 'react'
import { Link } from 'react-router'
import { useQuery } from 'urql'

import { useCalm } from '~/graphql/calm'
import { ACTIVITY, CALM } from '~/graphql/following'
import { useSignals } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { Anchor, Button, Coming, Empty, Grid, Group, Paper, Stack, Text, Title, Trouble, useNow } from '~/ui'

import classes from './Dashboard.module.css'
import { asked, DECIDING, DURATIONS_ASKED, DurationsQuery, OverviewQuery, WAITING, type Overview } from './overview'
import { failedLately, LATELY_DAYS } from './lately'
import { durations } from './phases'
import { Pools } from './Pools'
import { decision, failure, LockedRows, RunRows, waitingFor } from './RunRows'

const DurationsChart = lazy(() => import('./DurationsChart'))

const ATTENTION = 'attention'
const HELD = 'waiting'

/** What goes on, and above all what waits for somebody. */
export default function Dashboard() {
  const [all, setAll] = useState(false)
  const [{ data, error }, ask] = useQuery({ query: OverviewQuery, variables: asked(all) })
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
        <Page
          of={data}
          runs={measured.data?.searchRuns.edges.map((edge) => edge.node)}
          {...(all ? {} : { onAll: () => setAll(true) })}
        />
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

interface PageProps {
  of: Overview
  runs: readonly MeasuredRun[] | undefined
  /** Shows all of what waits; without it, all are shown. */
  onAll?: () => void
}

function Page({ of, runs, onAll }: PageProps) {
  const now = useNow()
  const going = counts(of.going.fields[0]?.values)
  const asking = sum(going, DECIDING)
  const waiting = sum(going, WAITING)
  const locked = of.locked.edges.map((edge) => edge.node)
  const unknown = locked.filter((stack) => stack.unknownOutcome)
  const others = locked.filter((stack) => !stack.unknownOutcome)
  const attention = of.attention.edges.map((edge) => edge.node)
  const failed = failedLately(of.failed.edges.map((edge) => edge.node), now)
  const held = of.waiting.edges.map((edge) => edge.node)
  const states = counts(of.stacks.fields[0]?.values)
  const locks = counts(of.stacks.fields[1]?.values)
  return (
    <>
      <div className={classes.numbers}>
        <Number count={asking} words="runs need a decision" path={`#${ATTENTION}`} loud="asks" />
        <Number count={states['FAILED'] ?? 0} words="stacks failed" path={`${to.stacks()}?f.state=FAILED`} loud="bad" />
        <Number count={locks['true'] ?? 0} words="stacks locked" path={`${to.stacks()}?f.locked=true`} loud="held" />
        <Number count={waiting} words="runs wait" path={`#${HELD}`} />
        <Number count={of.going.total - asking - waiting} words="runs at work, by pool" path={to.workers()} />
        <Number count={of.stacks.total} words="stacks" path={to.stacks()} />
      </div>
      <Grid>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack gap="md">
            <Part id={ATTENTION} title="Needs attention" more={<Rest all={asking} shown={attention.length} onAll={onAll} />}>
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
                <Quiet>No run has failed in the last {LATELY_DAYS} days.</Quiet>
              ) : (
                <>
                  <RunRows runs={failed} label="Runs that failed" say={failure} />
                  <Quiet>
                    The newest of the last {LATELY_DAYS} days. Stacks that failed are those whose newest run did,
                    whenever that was.
                  </Quiet>
                </>
              )}
            </Part>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack gap="md">
            <Part title="Workers" more={<All path={to.workers()}>All pools</All>}>
              <Pools of={of} />
            </Part>
            <Part id={HELD} title="Waiting, and why" more={<Rest all={waiting} shown={held.length} onAll={onAll} />}>
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

/** A number, which leads to what it counts: another page, or the part of this one that lists it. */
function Number(props: { count: number; words: string; path: string; loud?: 'asks' | 'bad' | 'held' }) {
  const color = props.loud && props.count > 0 ? `var(--${props.loud})` : undefined
  const part = props.path.startsWith('#') ? props.path.slice(1) : undefined
  const show = () => {
    if (part === undefined) return
    const there = document.getElementById(part)
    there?.scrollIntoView()
    there?.focus({ preventScroll: true })
  }
  return (
    <Link to={props.path} replace={part !== undefined} preventScrollReset onClick={show} className={classes.number}>
      <Text fz={26} fw={650} lh={1.1} {...(color ? { c: color } : {})}>
        {props.count.toLocaleString()}
      </Text>
      <Text size="xs" c="dimmed">
        {props.words}
      </Text>
    </Link>
  )
}

function Part(props: { title: string; id?: string; more?: ReactNode; children: ReactNode }) {
  return (
    <Paper
      withBorder
      p="md"
      component="section"
      aria-label={props.title}
      className={classes.part}
      {...(props.id === undefined ? {} : { id: props.id, tabIndex: -1 })}
    >
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

/** What of a list is not shown, and how to see it. */
function Rest({ all, shown, onAll }: { all: number; shown: number; onAll: (() => void) | undefined }) {
  if (all <= shown) return null
  return onAll ? (
    <Button size="compact-sm" variant="subtle" onClick={onAll}>
      Show all {all.toLocaleString()}
    </Button>
  ) : (
    <Text size="xs" c="dimmed">
      The oldest {shown.toLocaleString()} of {all.toLocaleString()}
    </Text>
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
