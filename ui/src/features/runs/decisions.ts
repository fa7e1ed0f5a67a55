/** What can be decided about a run, in words: which decisions belong in front, and what each does. */

import type { ResultOf } from '~/graphql/gql'
import { toneOf } from '~/runs/RunState'

import type { RunActionsFields } from './RunActions'

export type Run = ResultOf<typeof RunActionsFields>
export type Choice = Run['choices'][number]

/** What a person does. To approve and to reject are one decision to the server: a review. */
export type Verb =
  | 'confirm'
  | 'discard'
  | 'cancel'
  | 'stop'
  | 'kill'
  | 'approve'
  | 'reject'
  | 'retry'
  | 'promote'
  | 'prioritize'

interface Words {
  label: string
  title: string
  what: (run: Run) => string
  red?: true
  done: string
}

const plan = (run: Run) =>
  run.delta
    ? `${run.delta.addCount} to add, ${run.delta.changeCount} to change, ${run.delta.deleteCount} to delete.`
    : 'The plan is applied as it was made.'

export const WORDS: Record<Verb, Words> = {
  confirm: {
    label: 'Confirm',
    title: 'Apply this plan?',
    what: (run) => {
      const limited =
        run.targets.length > 0 ? ` The plan is limited to ${run.targets.length} addresses; nothing else changes.` : ''
      return `${plan(run)}${limited} A worker applies it as soon as one is free, and nothing else is asked.`
    },
    done: 'Confirmed: the apply waits for a worker',
  },
  discard: {
    label: 'Discard',
    title: 'Discard this run?',
    what: (run) =>
      run.state === 'UNCONFIRMED'
        ? 'Its plan is thrown away and nothing is changed. The next run of the stack may start.'
        : 'It ends here, and nothing is changed. The next run of the stack may start.',
    red: true,
    done: 'The run is discarded',
  },
  cancel: {
    label: 'Cancel',
    title: 'Cancel this run?',
    what: () => 'No worker has begun it: nothing was planned, and nothing is changed.',
    red: true,
    done: 'The run is canceled',
  },
  stop: {
    label: 'Stop',
    title: 'Stop this run?',
    what: (run) => {
      if (isExecuting(run)) {
        return 'The tool is asked to finish its step and save the state. What it has changed by then stays changed.'
      }
      return toneOf(run.state) === 'waits'
        ? 'No worker is on it: it ends at once. Nothing has been changed yet.'
        : 'The worker ends what it does. Nothing has been changed yet.'
    },
    red: true,
    done: 'The run is asked to stop',
  },
  kill: {
    label: 'Take from its worker',
    title: 'Take this run from its worker?',
    what: (run) =>
      isExecuting(run)
        ? 'For a worker that does not heed the stop. It may be changing things right now: nobody will know how far it came, and the stack stays locked until somebody has looked.'
        : 'For a worker that does not heed the stop. Nothing has been changed yet; the run fails.',
    red: true,
    done: 'The run was taken from its worker',
  },
  approve: {
    label: 'Approve',
    title: 'Approve this run?',
    what: (run) =>
      run.state === 'PENDING_REVIEW'
        ? 'Your approval is kept with the run, and the preview ends well.'
        : 'Your approval is kept with the run. It starts and confirms nothing by itself.',
    done: 'Approved',
  },
  reject: {
    label: 'Reject',
    title: 'Reject this run?',
    what: (run) =>
      run.state === 'PENDING_REVIEW'
        ? 'Your rejection is kept with the run, and the preview fails.'
        : 'Your rejection is kept with the run. It ends nothing by itself: discard or cancel the run for that.',
    red: true,
    done: 'Rejected',
  },
  retry: {
    label: 'Retry',
    title: 'Start a run like this one?',
    what: () => "A new run of the same commit starts, with today's settings and variables of the stack.",
    done: 'A new run has been started',
  },
  promote: {
    label: 'Promote',
    title: 'Promote this preview?',
    what: () => 'The stack tracks the commit of this preview from now on, and a run that may apply it starts.',
    done: 'A new run has been started',
  },
  prioritize: {
    label: 'Prioritize',
    title: 'Put this run before others?',
    what: (run) =>
      run.priority > 0
        ? 'It waits for its turn among the runs of its worker pool again.'
        : 'It goes before the runs of all other stacks on its worker pool.',
    done: 'Its place in the queue has changed',
  },
}

export function labelOf(verb: Verb, run: Run): string {
  return verb === 'prioritize' && run.priority > 0 ? 'Take the priority away' : WORDS[verb].label
}

/** The same where nothing else says that it is about the run on the page. */
export function commandOf(verb: Verb, run: Run): string {
  if (verb === 'kill') return 'Take this run from its worker'
  if (verb === 'prioritize' && run.priority > 0) return 'Take the priority away from this run'
  return `${WORDS[verb].label} this run`
}

const DECISION = {
  confirm: 'CONFIRM',
  discard: 'DISCARD',
  cancel: 'CANCEL',
  stop: 'STOP',
  kill: 'KILL',
  approve: 'REVIEW',
  reject: 'REVIEW',
  retry: 'RETRY',
  promote: 'PROMOTE',
  prioritize: 'PRIORITIZE',
} as const satisfies Record<Verb, Choice['decision']>

/** What the server would answer now. */
export function choiceOf(verb: Verb, run: Run): Choice | undefined {
  return run.choices.find((choice) => choice.decision === DECISION[verb])
}

/** Why not, as a sentence; nothing when it is possible. */
export function whyNot(choice: Choice | undefined): string | undefined {
  if (!choice || choice.possible) return undefined
  const words = choice.refusal ?? 'This is not possible now.'
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? '' : '.'}`
}

const ALL = Object.keys(WORDS) as Verb[]

/** The decisions that belong in front now, most wanted first, and the others. */
export function arranged(run: Run): { front: Verb[]; rest: Verb[] } {
  const front = frontOf(run)
  const rest = ALL.filter((verb) => !front.includes(verb))
  const possible = (verb: Verb) => (whyNot(choiceOf(verb, run)) === undefined ? 0 : 1)
  return { front, rest: rest.toSorted((a, b) => possible(a) - possible(b)) }
}

/** What the palette offers: what is in front, with why not; and of the others what is possible now. */
export function offered(run: Run): Verb[] {
  const { front, rest } = arranged(run)
  return [...front, ...rest.filter((verb) => whyNot(choiceOf(verb, run)) === undefined)]
}

function frontOf(run: Run): Verb[] {
  if (run.finished) return run.type === 'PROPOSED' && run.state === 'FINISHED' ? ['promote', 'retry'] : ['retry']
  switch (run.state) {
    case 'UNCONFIRMED':
      return ['confirm', 'discard']
    case 'PENDING_REVIEW':
      return ['approve', 'reject']
    case 'QUEUED':
    case 'READY':
      return ['cancel']
    default: {
      const asked = run.condition?.reason === 'STOP'
      const ahead: Verb[] = isApplyable(run) && !isExecuting(run) ? ['confirm'] : []
      return [...ahead, 'stop', ...(asked ? (['kill'] as const) : [])]
    }
  }
}

function isApplyable(run: Run): boolean {
  return run.type === 'TRACKED' || run.type === 'DESTROY'
}

function isExecuting(run: Run): boolean {
  return run.state === 'APPLYING' || run.state === 'DESTROYING' || run.state === 'PERFORMING'
}
