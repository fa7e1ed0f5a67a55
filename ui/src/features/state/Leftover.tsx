import { useState, type ReactNode } from 'react'
import { Link } from 'react-router'
import { useMutation } from 'urql'

import { problemOf } from '~/graphql/problem'
import { size } from '~/lib/bytes'
import { to } from '~/lib/paths'
import { Action, Alert, Anchor, Confirm, Group, Stack, Text, Title, When, tell, warn } from '~/ui'

import { Comparing } from './Comparing'
import {
  DiscardUnsavedMutation,
  ImportUnsavedMutation,
  type History,
  type StackOfState,
  type Unsaved,
} from './documents'
import { Preview } from './Rollback'
import { Preparing, Step, Steps, Unlocking } from './Steps'
import { hindrance, nowIs } from './words'

/** What a run changed, and the stack's state does not hold: unmistakable, with the way out. */
export function LeftoverAlert(props: { stack: StackOfState; one: Unsaved; onLook: () => void }) {
  const { one } = props
  return (
    <Alert color="red" title="A run's state could not be saved" role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          <RunOf stack={props.stack} one={one} /> changed the infrastructure, and the current state does not hold what it
          changed. What it left was put aside <When at={one.keptAt} />: serial {one.serial}, {size(one.size)}. A run that
          starts before this is put right may make everything once more.
        </Text>
        <Action size="xs" color="red" onClick={props.onLook}>
          Look at it and put it right
        </Action>
      </Stack>
    </Alert>
  )
}

function RunOf({ stack, one }: { stack: StackOfState; one: Unsaved }) {
  return (
    <Anchor component={Link} to={to.run(stack.id, one.runId)} inherit underline="always" c="inherit">
      {one.run?.title || `Run ${one.runId}`}
    </Anchor>
  )
}

/** The state that a run left, while it is there; once it is dealt with here, what came of it. */
export function Leftover(props: {
  stack: StackOfState
  history: History
  one: Unsaved | undefined
  again: () => void
  missing: ReactNode
}) {
  const [kept] = useState(props.one)
  return kept ? <Kept {...props} one={kept} /> : props.missing
}

/** Compared, then made the stack's own, or discarded. */
function Kept(props: { stack: StackOfState; history: History; one: Unsaved; again: () => void }) {
  const { stack, history, one } = props
  const [asking, setAsking] = useState<'import' | 'discard'>()
  const [done, setDone] = useState<'import' | 'discard'>()
  const [replaced, setReplaced] = useState<string>()
  const [importing, take] = useMutation(ImportUnsavedMutation)
  const [discarding, discard] = useMutation(DiscardUnsavedMutation)
  const why = hindrance(stack, history)

  const act = async (what: 'import' | 'discard') => {
    const { error } = await (what === 'import' ? take : discard)({ stack: stack.id, run: one.runId })
    setAsking(undefined)
    if (error) return warn('Nothing was changed', problemOf(error))
    setReplaced(history.current?.id)
    setDone(what)
    props.again()
    return tell(what === 'import' ? "It is the stack's state now" : 'The copy is deleted')
  }

  return (
    <Stack gap="lg">
      <Title order={2}>A state that could not be saved</Title>
      <Text size="sm">
        <RunOf stack={stack} one={one} /> left it <When at={one.keptAt} />. If it holds what the run changed, make it the
        stack&apos;s state: nothing else knows of those changes.
      </Text>
      {!done && (
        <Stack gap="xs">
          <Title order={3} size="h4">How it differs from the current state</Title>
          {history.compareRefusal ? (
            <Text size="sm">{history.compareRefusal}</Text>
          ) : (
            <Comparing
              stack={stack.id}
              source={{ kind: 'unsaved', run: one.runId }}
              before={history.current ? `serial ${history.current.serial} (now)` : 'nothing (now)'}
              after={`what the run left`}
            />
          )}
        </Stack>
      )}
      <Steps>
        {!done && (
          <Preparing
            stack={stack}
            history={history}
            note={`Putting right the state that run ${one.runId} left`}
            again={props.again}
          />
        )}
        <Step done={done !== undefined} title="Decide what becomes of it">
          {done ? (
            <Alert color="green" title={done === 'import' ? nowIs(history, replaced) : 'It is deleted'} role="status">
              <Text size="sm">{done === 'import' ? 'It holds what the run left.' : 'The state is as it was.'}</Text>
            </Alert>
          ) : (
            <Group gap="xs">
              <Action why={why} loading={importing.fetching} onClick={() => setAsking('import')}>
                Make it the stack&apos;s state
              </Action>
              <Action
                color="red"
                variant="light"
                why={history.changeRefusal ?? undefined}
                loading={discarding.fetching}
                onClick={() => setAsking('discard')}
              >
                Delete it
              </Action>
            </Group>
          )}
        </Step>
        <Preview stack={stack} done={done !== undefined} />
        <Unlocking stack={stack} history={history} done={done !== undefined} again={props.again} />
      </Steps>
      <Confirm
        opened={asking === 'import'}
        title="Make it the stack's state?"
        verb="Make it the state"
        busy={importing.fetching}
        onConfirm={() => void act('import')}
        onClose={() => setAsking(undefined)}
      >
        <Text size="sm">
          It goes on top of the history; the current state stays in it. The copy that was kept apart is no longer needed
          and goes.
        </Text>
      </Confirm>
      <Confirm
        opened={asking === 'discard'}
        title="Delete the only record of what the run changed?"
        verb="Delete it"
        dangerous
        typed={stack.name}
        busy={discarding.fetching}
        onConfirm={() => void act('discard')}
        onClose={() => setAsking(undefined)}
      >
        <Text size="sm">
          Whatever the run made and the current state does not hold, no tool will know of any more. This cannot be undone.
        </Text>
      </Confirm>
    </Stack>
  )
}
