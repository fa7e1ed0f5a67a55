import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { Action, Alert, Card, Confirm, Group, Stack, Text, Title, tell, warn } from '~/ui'

import { Comparing } from './Comparing'
import {
  PreviewMutation,
  RollbackMutation,
  type Comparison,
  type History,
  type StackOfState,
  type Version,
} from './documents'
import { Preparing, Step, Steps, Unlocking } from './Steps'
import { counted, hindrance } from './words'

/** Leads from an earlier state to that state being the current one, and says what it does not do. */
export function Rollback(props: { stack: StackOfState; history: History; version: string; again: () => void }) {
  const { stack, history } = props
  const [compared, setCompared] = useState<Comparison>()
  const [made, setMade] = useState<Version>()
  const [from, setFrom] = useState<Version>()
  const [asking, setAsking] = useState(false)
  const [busy, rollBack] = useMutation(RollbackMutation)
  const current = from ?? history.current
  const wanted = compared?.after
  const already = !made && current?.id === props.version
  const why = already ? 'This is the current state already.' : hindrance(stack, history)
  const serial = wanted ? `serial ${wanted.serial}` : 'the earlier state'

  const go = async () => {
    const before = history.current
    const { data, error } = await rollBack({ stack: stack.id, version: props.version })
    setAsking(false)
    if (error || !data) return warn('The state is as it was', problemOf(error))
    // What was compared stays in sight: the state before is what can be gone back to.
    setFrom(before ?? undefined)
    setMade(data.stackManagedStateRollback)
    props.again()
    return tell(`The state is as it was at ${serial}`)
  }

  return (
    <Stack gap="lg">
      <Title order={2}>Roll back to {serial}</Title>
      <Card withBorder>
        <Stack gap="xs">
          <Text size="sm">
            <b>What will happen:</b> the state of {serial} becomes the current one, as a new version on top. No version
            is deleted, so this can be undone the same way.
          </Text>
          <Text size="sm">
            <b>What will not be undone:</b> the infrastructure. Nothing is created, changed or destroyed now. What was
            made since then stays, and the tool no longer knows of it. What was destroyed since then the tool believes
            to be there. The next plan shows what it would do about both: read it before you confirm it.
          </Text>
        </Stack>
      </Card>
      {current && (
        <Stack gap="xs">
          <Title order={3} size="h4">What changes in the state</Title>
          {compared && (
            <Text size="sm" c="dimmed">
              From serial {current.serial} to {serial}: {counted(compared)}.
            </Text>
          )}
          <Comparing
            stack={stack.id}
            source={{ kind: 'versions', before: current.id, after: props.version }}
            before={`serial ${current.serial} (${made ? 'before' : 'now'})`}
            after={`${serial} (then)`}
            onFound={setCompared}
          />
        </Stack>
      )}
      <Steps>
        {!made && (
          <Preparing stack={stack} history={history} note={`Rolling the state back to ${serial}`} again={props.again} />
        )}
        <Step done={made !== undefined} title="Roll back">
          {made ? (
            <Alert color="green" title={`The state is serial ${made.serial} now`} role="status">
              <Text size="sm">It is what serial {made.rolledBackToSerial} was. The infrastructure is as before.</Text>
            </Alert>
          ) : (
            <div>
              <Action color="red" why={why} loading={busy.fetching} onClick={() => setAsking(true)}>
                Roll back to {serial}
              </Action>
            </div>
          )}
        </Step>
        <Preview stack={stack} done={made !== undefined} />
        <Unlocking stack={stack} history={history} done={made !== undefined} again={props.again} />
      </Steps>
      <Confirm
        opened={asking}
        title={`Roll the state back to ${serial}?`}
        verb="Roll back"
        dangerous
        busy={busy.fetching}
        onConfirm={() => void go()}
        onClose={() => setAsking(false)}
      >
        <Text size="sm">
          The current state{current ? `, serial ${current.serial},` : ''} is replaced
          {compared ? `: ${counted(compared)}` : ''}. It stays in the history. The infrastructure does not change.
        </Text>
      </Confirm>
    </Stack>
  )
}

/** A preview after a state was replaced: it shows what the tool makes of it, and changes nothing. */
export function Preview(props: { stack: StackOfState; done: boolean }) {
  const go = useNavigate()
  const [busy, start] = useMutation(PreviewMutation)
  const preview = async () => {
    const { data, error } = await start({ stack: props.stack.id })
    if (error || !data) return warn('No preview was started', problemOf(error))
    return go(to.run(props.stack.id, data.runTrigger.id))
  }
  return (
    <Step done={false} title="See what the tool makes of it">
      <Group gap="xs">
        <Action
          size="xs"
          variant="default"
          loading={busy.fetching}
          onClick={() => void preview()}
          why={
            !props.done
              ? 'Replace the state first.'
              : props.stack.canWrite
                ? undefined
                : 'You may not start runs on this stack.'
          }
        >
          Start a preview
        </Action>
        <Text size="sm" c="dimmed">
          It plans, and changes nothing.
        </Text>
      </Group>
    </Step>
  )
}
