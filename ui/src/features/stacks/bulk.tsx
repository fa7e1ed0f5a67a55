import { IconLock, IconLockOpen, IconPlayerPlay, IconTag, IconTagOff, IconTrash } from '@tabler/icons-react'
import type { AnyVariables, TypedDocumentNode } from 'urql'

import { graphql } from '~/graphql/gql'
import { send } from '~/graphql/quiet'
import type { BulkAction, Outcome } from '~/list/Listing'
import { wordOf } from '~/runs/RunState'

import type { Row } from './list'

const Trigger = graphql(`
  mutation BulkTrigger($stack: ID!) {
    runTrigger(stack: $stack) {
      id
    }
  }
`)
const Lock = graphql(`
  mutation BulkLock($stack: ID!, $note: String) {
    stackLock(id: $stack, note: $note) {
      id
    }
  }
`)
const Unlock = graphql(`
  mutation BulkUnlock($stack: ID!) {
    stackUnlock(id: $stack) {
      id
    }
  }
`)
const Labels = graphql(`
  mutation BulkLabels($stack: ID!, $add: [String!], $remove: [String!]) {
    stackLabelsChange(id: $stack, add: $add, remove: $remove) {
      id
    }
  }
`)
const Discard = graphql(`
  mutation BulkDiscard($stack: ID!, $run: ID!, $note: String) {
    runDiscard(stack: $stack, run: $run, note: $note) {
      id
    }
  }
`)

async function outcome<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Outcome> {
  const { problem } = await send(document, variables)
  if (!problem) return { is: 'done' }
  return { is: 'refused', sentence: problem.sentence, code: problem.code, broken: problem.unreachable }
}

const labels = (text: string) =>
  text
    .split(',')
    .map((label) => label.trim())
    .filter(Boolean)

const several = (count: number) => (count === 1 ? 'The stack' : 'Each of the stacks')

function mayNot(stack: Row): string | undefined {
  return stack.canWrite ? undefined : 'You may read this stack, and not act on it.'
}

export const ACTIONS: readonly BulkAction<Row>[] = [
  {
    key: 'trigger',
    label: 'Trigger',
    icon: <IconPlayerPlay size={14} aria-hidden />,
    unfit: (stack) =>
      mayNot(stack) ?? (stack.isDisabled ? 'It is disabled, and takes no runs.' : undefined),
    words: (count) =>
      `${several(count)} gets a tracked run of its commit. Plans wait to be confirmed, unless the stack deploys by itself.`,
    act: ({ id }) => outcome(Trigger, { stack: id }),
  },
  {
    key: 'lock',
    label: 'Lock',
    icon: <IconLock size={14} aria-hidden />,
    unfit: (stack) =>
      mayNot(stack) ?? (stack.lockedBy ? `It is locked by ${stack.lockedBy} already.` : undefined),
    words: (count) =>
      `${several(count)} takes runs from nobody but you until it is unlocked. What is running goes on.`,
    given: { label: 'Why', description: 'Shown to everybody who wants to start a run.' },
    act: ({ id }, note) => outcome(Lock, { stack: id, note: note || null }),
  },
  {
    key: 'unlock',
    label: 'Unlock',
    icon: <IconLockOpen size={14} aria-hidden />,
    unfit: (stack) => mayNot(stack) ?? (stack.lockedBy ? undefined : 'It is not locked.'),
    words: (count) =>
      `${several(count)} takes runs from everybody again, and those that wait for the lock begin. Where the outcome of a run is unknown, unlocking says that somebody has looked.`,
    act: ({ id }) => outcome(Unlock, { stack: id }),
  },
  {
    key: 'label',
    label: 'Add labels',
    icon: <IconTag size={14} aria-hidden />,
    unfit: mayNot,
    words: (count) => `${several(count)} keeps the labels that it has.`,
    given: { label: 'Labels', description: 'Several with commas between them.', needed: true },
    act: ({ id }, given) => outcome(Labels, { stack: id, add: labels(given), remove: null }),
  },
  {
    key: 'unlabel',
    label: 'Remove labels',
    icon: <IconTagOff size={14} aria-hidden />,
    unfit: (stack) => mayNot(stack) ?? (stack.labels.length === 0 ? 'It has no labels.' : undefined),
    words: (count) => `${several(count)} keeps its other labels.`,
    given: { label: 'Labels', description: 'Several with commas between them.', needed: true },
    act: ({ id }, given) => outcome(Labels, { stack: id, add: null, remove: labels(given) }),
  },
  {
    key: 'discard',
    label: 'Discard',
    icon: <IconTrash size={14} aria-hidden />,
    danger: true,
    unfit: (stack) => mayNot(stack) ?? noneWaits(stack),
    words: (count) =>
      count === 1
        ? 'The run that waits is ended, and its plan is lost. Nothing is changed. The next run of the stack may begin.'
        : 'The runs that wait are ended, and their plans are lost. Nothing is changed. The next run of each stack may begin.',
    given: { label: 'Note', description: 'Kept in the history of the runs.' },
    // The run that was seen, and no other that came in its place meanwhile.
    act: ({ id, blocker }, note) =>
      outcome(Discard, { stack: id, run: blocker?.id ?? '', note: note || null }),
  },
]

function noneWaits({ blocker }: Row): string | undefined {
  if (!blocker) return 'No run of it waits for a decision.'
  return blocker.canDiscard ? undefined : `Its run is ${wordOf(blocker.state)}, and can not be discarded.`
}
