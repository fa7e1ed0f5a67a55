import { graphql, readFragment, type FragmentOf, type ResultOf } from '~/graphql/gql'
import { Badge, type MantineColor } from '~/ui'

export const RunStateFields = graphql(`
  fragment RunStateFields on Run {
    state
    outcomeUnknown
  }
`)

export type RunStateName = ResultOf<typeof RunStateFields>['state']

type Tone = 'waits' | 'works' | 'asks' | 'good' | 'bad' | 'gone'

/** Every state has a tone and a word: a state added to the schema does not compile without. */
const STATES = {
  QUEUED: ['waits', 'queued'],
  READY: ['waits', 'ready'],
  PENDING: ['waits', 'pending'],
  PREPARING: ['works', 'preparing'],
  INITIALIZING: ['works', 'initializing'],
  PLANNING: ['works', 'planning'],
  PENDING_REVIEW: ['asks', 'needs review'],
  UNCONFIRMED: ['asks', 'unconfirmed'],
  REPLAN_REQUESTED: ['waits', 'replan requested'],
  PREPARING_REPLAN: ['works', 'preparing replan'],
  CONFIRMED: ['waits', 'confirmed'],
  PREPARING_APPLY: ['works', 'preparing apply'],
  APPLYING: ['works', 'applying'],
  PERFORMING: ['works', 'performing'],
  DESTROYING: ['works', 'destroying'],
  FINISHED: ['good', 'finished'],
  FAILED: ['bad', 'failed'],
  STOPPED: ['gone', 'stopped'],
  CANCELED: ['gone', 'canceled'],
  DISCARDED: ['gone', 'discarded'],
  SKIPPED: ['gone', 'skipped'],
} satisfies Record<RunStateName, [Tone, string]>

const COLOR: Record<Tone, MantineColor> = {
  waits: 'gray',
  works: 'blue',
  asks: 'yellow',
  good: 'green',
  bad: 'red',
  gone: 'gray',
}

export function wordOf(state: RunStateName): string {
  return STATES[state][1]
}

export function toneOf(state: RunStateName): Tone {
  return STATES[state][0]
}

export function colorOf(state: RunStateName): MantineColor {
  return COLOR[STATES[state][0]]
}

/** A state that is only a word here: in histories and on stacks. */
export function StateBadge({ state }: { state: RunStateName | 'NONE' }) {
  if (state === 'NONE') {
    return (
      <Badge variant="outline" color="gray" miw="max-content">
        no run yet
      </Badge>
    )
  }
  return (
    <Badge variant="light" color={colorOf(state)} miw="max-content">
      {wordOf(state)}
    </Badge>
  )
}

/** The state of a run; an unknown outcome is never shown as a mere failure. */
export function RunState(props: { run: FragmentOf<typeof RunStateFields> }) {
  const { state, outcomeUnknown } = readFragment(RunStateFields, props.run)
  if (outcomeUnknown) {
    return (
      <Badge variant="filled" color="red" miw="max-content">
        outcome unknown
      </Badge>
    )
  }
  return <StateBadge state={state} />
}
