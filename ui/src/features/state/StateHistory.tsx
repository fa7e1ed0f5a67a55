import { IconArrowLeft, IconLock } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Link, useParams, useSearchParams } from 'react-router'

import { useLiveQuery, type Topic } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { figure } from '~/lib/numbers'
import { to } from '~/lib/paths'
import { asked } from '~/list/asked'
import { useView } from '~/list/view'
import { Alert, Anchor, Badge, Button, Coming, Empty, Group, Stack, Text, Title, Trouble, When } from '~/ui'

import { Compare } from './Compare'
import { HistoryQuery, type History, type StackOfState } from './documents'
import { Import } from './Import'
import { Leftover, LeftoverAlert } from './Leftover'
import { Rollback } from './Rollback'
import { BOOLEANS, Gone, Versions } from './Versions'
import { pairIn } from './words'

/** The state history of the stack in the address: every state, and what can be done with them. */
export default function StateHistory() {
  const { stackId = '' } = useParams()
  const looking = useView()
  const { data, error, live, again } = useLiveQuery(
    HistoryQuery,
    { stack: stackId, input: asked(looking.view, BOOLEANS) },
    (): Topic[] => [`stack:${stackId}`],
  )
  if (error && !data) {
    return <Trouble title="The states could not be loaded" {...problemOf(error)} />
  }
  if (!data) return <Coming height={400} />
  if (!data.stack) return <Empty title="There is no such stack">It may be gone, or you may not see it.</Empty>
  if (!data.stack.managesStateFile) {
    return (
      <Empty title="The state of this stack is kept elsewhere">
        Its code names a backend of its own, and Gantry does not see what is in there. Whether Gantry keeps the state is
        decided when a stack is created.
      </Empty>
    )
  }
  return (
    <Stack gap="md">
      {!live && (
        <Badge variant="outline" color="orange">
          not live
        </Badge>
      )}
      <Chosen stack={data.stack} history={data.stackStateHistory} looking={looking} again={again} />
    </Stack>
  )
}

interface ChosenProps {
  stack: StackOfState
  history: History
  looking: ReturnType<typeof useView>
  again: () => void
}

/** The view that the address names: the list, two states, or a way that leads through something. */
function Chosen(props: ChosenProps) {
  const { stack, history, again } = props
  const [params, setParams] = useSearchParams()
  const open = (name: string, value: string) => setParams({ [name]: value })
  const back = () => setParams({})
  // What the differences are narrowed by stays.
  const others = (pair: string) => setParams((now) => ({ ...Object.fromEntries(now), compare: pair }))
  const pair = pairIn(params.get('compare'))
  const version = params.get('rollback')
  const run = params.get('unsaved')
  const left = history.unsaved.find((one) => one.runId === run)
  if (pair) {
    return (
      <Inside onBack={back}>
        <Compare stack={stack} history={history} pair={pair} onPair={others} />
      </Inside>
    )
  }
  if (version) {
    return (
      <Inside onBack={back}>
        <Rollback key={version} stack={stack} history={history} version={version} again={again} />
      </Inside>
    )
  }
  if (params.has('import')) {
    return (
      <Inside onBack={back}>
        <Import stack={stack} history={history} again={again} />
      </Inside>
    )
  }
  if (run) {
    return (
      <Inside onBack={back}>
        <Leftover key={run} stack={stack} history={history} one={left} again={again} missing={<Gone onBack={back} />} />
      </Inside>
    )
  }
  return (
    <Stack gap="md">
      <Title order={2}>State history</Title>
      {history.unsaved.map((one) => (
        <LeftoverAlert key={one.runId} stack={stack} one={one} onLook={() => open('unsaved', one.runId)} />
      ))}
      {history.lock && <Held stack={stack} lock={history.lock} />}
      {history.current?.rollback && (
        <Alert color="yellow" title="The current state is one that was rolled back to">
          <Text size="sm">
            It is what serial {history.current.rolledBackToSerial} was, and the infrastructure may be ahead of it. The
            next plan shows by how much.
          </Text>
        </Alert>
      )}
      <Versions
        stack={stack}
        history={history}
        looking={props.looking}
        views={{
          compare: (text) => open('compare', text),
          rollBack: (id) => open('rollback', id),
          bring: () => open('import', ''),
        }}
      />
      {history.edges.length > 0 && (
        <Text size="sm" c="dimmed">
          {figure(history.total)} {history.total === 1 ? 'state' : 'states'}, none of which is ever deleted. A
          run that changes nothing writes none.
        </Text>
      )}
    </Stack>
  )
}

function Inside(props: { onBack: () => void; children: ReactNode }) {
  return (
    <Stack gap="md">
      <Group>
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<IconArrowLeft size={15} aria-hidden />}
          onClick={props.onBack}
        >
          All states
        </Button>
      </Group>
      {props.children}
    </Stack>
  )
}

/** Who holds the state itself. That is a run's, and ends with it; there is nothing to force. */
function Held({ stack, lock }: { stack: StackOfState; lock: NonNullable<History['lock']> }) {
  return (
    <Alert color="blue" icon={<IconLock aria-hidden />} title="The state is held now">
      <Text size="sm">
        {lock.run ? (
          <Anchor component={Link} to={to.run(stack.id, lock.run.id)} inherit underline="always" c="inherit">
            {lock.run.title || 'A run'}
          </Anchor>
        ) : (
          'A run'
        )}{' '}
        took it <When at={lock.lockedAt} />
        {lock.who && <>, as {lock.who}</>}
        {lock.operation && <> ({lock.operation})</>}. Nobody else writes it meanwhile. It is let go of when the run ends,
        however it ends: stop the run to free it.
      </Text>
    </Alert>
  )
}
