import { useState } from 'react'
import { useMutation, type AnyVariables, type TypedDocumentNode } from 'urql'

import { graphql, readFragment, type FragmentOf, type ResultOf } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { Action, Button, Group, Menu, Modal, Stack, Text, Textarea, tell, warn } from '~/ui'

import { toneOf, wordOf } from './RunState'

export const RunActionsFields = graphql(`
  fragment RunActionsFields on Run {
    id
    type
    state
    finished
    priority
    canConfirm
    canDiscard
    canRetry
    delta {
      addCount
      changeCount
      deleteCount
    }
    condition {
      reason
    }
  }
`)

type Fields = ResultOf<typeof RunActionsFields>

const ConfirmRun = graphql(`
  mutation ConfirmRun($stack: ID!, $run: ID!, $note: String) {
    runConfirm(stack: $stack, run: $run, note: $note) { id state }
  }
`)
const DiscardRun = graphql(`
  mutation DiscardRun($stack: ID!, $run: ID!, $note: String) {
    runDiscard(stack: $stack, run: $run, note: $note) { id state }
  }
`)
const CancelRun = graphql(`
  mutation CancelRun($stack: ID!, $run: ID!, $note: String) {
    runCancel(stack: $stack, run: $run, note: $note) { id state }
  }
`)
const StopRun = graphql(`
  mutation StopRun($stack: ID!, $run: ID!, $note: String) {
    runStop(stack: $stack, run: $run, note: $note) { id state }
  }
`)
const KillRun = graphql(`
  mutation KillRun($stack: ID!, $run: ID!, $note: String) {
    runKill(stack: $stack, run: $run, note: $note) { id state }
  }
`)
const RetryRun = graphql(`
  mutation RetryRun($stack: ID!, $run: ID!) {
    runRetry(stack: $stack, run: $run) { id state }
  }
`)
const PromoteRun = graphql(`
  mutation PromoteRun($stack: ID!, $run: ID!) {
    runPromote(stack: $stack, run: $run) { id state }
  }
`)
const PrioritizeRun = graphql(`
  mutation PrioritizeRun($stack: ID!, $run: ID!, $prioritize: Boolean!) {
    runPrioritizeSet(stack: $stack, run: $run, prioritize: $prioritize) { id priority }
  }
`)
const ReviewRun = graphql(`
  mutation ReviewRun($stack: ID!, $run: ID!, $decision: RunReviewDecision!, $note: String) {
    runReview(stack: $stack, run: $run, decision: $decision, note: $note) { id decision }
  }
`)

type Verb = 'confirm' | 'discard' | 'cancel' | 'stop' | 'kill' | 'approve' | 'reject'

const ASKED: Record<Verb, { title: string; words: (run: Fields) => string; verb: string; red?: true; done: string }> = {
  confirm: {
    title: 'Apply this plan?',
    words: (run) =>
      run.delta
        ? `${run.delta.addCount} to add, ${run.delta.changeCount} to change, ${run.delta.deleteCount} to delete. Nothing else is asked after this.`
        : 'The plan is applied as it was made. Nothing else is asked after this.',
    verb: 'Confirm',
    done: 'Confirmed: the apply waits for a worker',
  },
  discard: {
    title: 'Discard this run?',
    words: () => 'Its plan is thrown away and nothing is changed. The next run of the stack may start.',
    verb: 'Discard',
    red: true,
    done: 'The run is discarded',
  },
  cancel: {
    title: 'Cancel this run?',
    words: () => 'No worker has begun it: nothing was planned, and nothing is changed.',
    verb: 'Cancel the run',
    red: true,
    done: 'The run is canceled',
  },
  stop: {
    title: 'Stop this run?',
    words: (run) =>
      run.state === 'APPLYING' || run.state === 'DESTROYING' || run.state === 'PERFORMING'
        ? 'The tool is asked to finish its step and save the state. What it has changed by then stays changed.'
        : 'The worker ends what it does. Nothing has been changed yet.',
    verb: 'Stop',
    red: true,
    done: 'The worker has been asked to stop',
  },
  kill: {
    title: 'Take this run from its worker?',
    words: () =>
      'For a worker that does not heed the stop. If it is changing things now, nobody will know how far it came, and the stack is locked until somebody has looked.',
    verb: 'Take it away',
    red: true,
    done: 'The run was taken from its worker',
  },
  approve: {
    title: 'Approve this run?',
    words: () => 'Your approval is kept with the run.',
    verb: 'Approve',
    done: 'Approved',
  },
  reject: {
    title: 'Reject this run?',
    words: () => 'Your rejection is kept with the run; a preview that waits for review fails.',
    verb: 'Reject',
    red: true,
    done: 'Rejected',
  },
}

/** What can be decided about a run now; what cannot says why. */
export function RunActions(props: { stack: string; run: FragmentOf<typeof RunActionsFields> }) {
  const run = readFragment(RunActionsFields, props.run)
  const [asking, setAsking] = useState<Verb>()
  const decide = useDecisions(props.stack, run.id)
  const [busy, setBusy] = useState(false)

  const act = async (verb: Verb, note: string) => {
    setBusy(true)
    const problem = await decide(verb, note || null)
    setBusy(false)
    if (problem) warn(`${ASKED[verb].verb}: refused`, problem)
    else {
      setAsking(undefined)
      tell(ASKED[verb].done)
    }
  }

  const works = toneOf(run.state) === 'works'
  const stopping = run.condition?.reason === 'STOP'
  return (
    <Group gap="xs">
      {(run.canConfirm || run.type === 'TRACKED' || run.type === 'DESTROY') && !run.finished && (
        <Action
          onClick={() => setAsking('confirm')}
          why={run.canConfirm ? undefined : `Only an unconfirmed plan can be confirmed; this run is ${wordOf(run.state)}.`}
        >
          Confirm
        </Action>
      )}
      {run.canDiscard && run.state !== 'QUEUED' && run.state !== 'READY' && (
        <Button variant="default" onClick={() => setAsking('discard')}>
          Discard
        </Button>
      )}
      {(run.state === 'QUEUED' || run.state === 'READY') && (
        <Button variant="default" onClick={() => setAsking('cancel')}>
          Cancel
        </Button>
      )}
      {works && (
        <Action
          variant="default"
          onClick={() => setAsking('stop')}
          why={stopping ? 'It has been asked to stop already.' : undefined}
        >
          Stop
        </Action>
      )}
      {works && stopping && (
        <Button color="red" variant="light" onClick={() => setAsking('kill')}>
          Take from the worker
        </Button>
      )}
      {run.finished && (
        <Again stack={props.stack} run={run} />
      )}
      <More stack={props.stack} run={run} onReview={setAsking} />
      {asking && (
        <Ask
          verb={asking}
          run={run}
          busy={busy}
          onClose={() => setAsking(undefined)}
          onConfirm={(note) => void act(asking, note)}
        />
      )}
    </Group>
  )
}

function begun(what: string) {
  return (result: { error?: Parameters<typeof problemOf>[0] | undefined }) => {
    if (result.error) warn(`${what}: refused`, problemOf(result.error).sentence)
    else tell(`${what}: a new run has been started`)
  }
}

function Again({ stack, run }: { stack: string; run: Fields }) {
  const [retrying, retry] = useMutation(RetryRun)
  const [promoting, promote] = useMutation(PromoteRun)
  return (
    <>
      {run.type === 'PROPOSED' && run.state === 'FINISHED' && (
        <Button
          variant="default"
          loading={promoting.fetching}
          onClick={() => void promote({ stack, run: run.id }).then(begun('Promote'))}
        >
          Promote
        </Button>
      )}
      <Action
        variant="default"
        loading={retrying.fetching}
        why={run.canRetry ? undefined : 'A run like this one cannot be started again.'}
        onClick={() => void retry({ stack, run: run.id }).then(begun('Retry'))}
      >
        Retry
      </Action>
    </>
  )
}

function More(props: { stack: string; run: Fields; onReview: (verb: Verb) => void }) {
  const [, prioritize] = useMutation(PrioritizeRun)
  const { run } = props
  if (run.finished) return null
  const first = run.priority > 0
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default">More</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          onClick={() =>
            void prioritize({ stack: props.stack, run: run.id, prioritize: !first }).then(({ error }) => {
              if (error) warn('The priority stays as it was', problemOf(error).sentence)
              else tell(first ? 'It waits for its turn again' : 'It goes before all others of its pool')
            })
          }
        >
          {first ? 'Take its priority away' : 'Put it before all others of its pool'}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item onClick={() => props.onReview('approve')}>Approve</Menu.Item>
        <Menu.Item onClick={() => props.onReview('reject')}>Reject</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function Ask(props: {
  verb: Verb
  run: Fields
  busy: boolean
  onClose: () => void
  onConfirm: (note: string) => void
}) {
  const asked = ASKED[props.verb]
  const [note, setNote] = useState('')
  return (
    <Modal opened onClose={props.onClose} title={asked.title} centered>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          props.onConfirm(note)
        }}
      >
        <Stack gap="md">
          <Text size="sm">{asked.words(props.run)}</Text>
          <Textarea
            label="Note"
            description="Kept in the run's history"
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
            autosize
            minRows={2}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              Back
            </Button>
            <Button type="submit" loading={props.busy} {...(asked.red ? { color: 'red' } : {})} data-autofocus>
              {asked.verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** Does what was decided, and answers why not, if it was refused. */
function useDecisions(stack: string, run: string) {
  const confirm = useRefusal(ConfirmRun)
  const discard = useRefusal(DiscardRun)
  const cancel = useRefusal(CancelRun)
  const stop = useRefusal(StopRun)
  const kill = useRefusal(KillRun)
  const review = useRefusal(ReviewRun)
  return (verb: Verb, note: string | null): Promise<string | undefined> => {
    const about = { stack, run, note }
    switch (verb) {
      case 'confirm':
        return confirm(about)
      case 'discard':
        return discard(about)
      case 'cancel':
        return cancel(about)
      case 'stop':
        return stop(about)
      case 'kill':
        return kill(about)
      case 'approve':
        return review({ ...about, decision: 'APPROVE' })
      case 'reject':
        return review({ ...about, decision: 'REJECT' })
    }
  }
}

function useRefusal<Data, Variables extends AnyVariables>(mutation: TypedDocumentNode<Data, Variables>) {
  const [, act] = useMutation<Data, Variables>(mutation)
  return async (variables: Variables) => {
    const { error } = await act(variables)
    return error && problemOf(error).sentence
  }
}
