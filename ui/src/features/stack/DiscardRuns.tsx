import { useState } from 'react'
import { useMutation, type CombinedError } from 'urql'

import { graphql } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { Confirm, Stack, Text, tell, warn } from '~/ui'

import { useStackQuery, type StackHead } from './here'
import { counted } from './losses'
import { waitingOf } from './waiting'

const WaitingQuery = graphql(`
  query StackWaitingRuns($input: SearchSuggestionsInput!) {
    searchRunsSuggestions(input: $input) {
      fields {
        values {
          value
          count
        }
      }
    }
  }
`)

const DiscardAllMutation = graphql(`
  mutation DiscardAll($id: ID!) {
    runDiscardAll(stack: $id) {
      discardedRuns {
        id
      }
      failedDiscarding
    }
  }
`)

/** Says how many runs would be ended, and how many plans lost with them, before any is. */
export function DiscardRuns({ stack, onClose }: { stack: StackHead; onClose: () => void }) {
  const { data, error: unknown } = useStackQuery(WaitingQuery, { input: unfinished(stack.id) })
  const [{ fetching }, discard] = useMutation(DiscardAllMutation)
  const [refused, setRefused] = useState<CombinedError>()
  const values = data?.searchRunsSuggestions.fields[0]?.values
  const { runs, plans } = waitingOf(values ?? [])
  const why = !values ? 'The runs are being counted.' : runs === 0 ? 'No run of this stack waits.' : undefined

  const go = async () => {
    const { data: done, error } = await discard({ id: stack.id })
    setRefused(error)
    if (!done) return
    onClose()
    const { discardedRuns, failedDiscarding } = done.runDiscardAll
    if (failedDiscarding.length > 0) {
      warn(
        `${counted(failedDiscarding.length, 'run')} could not be discarded`,
        `They were moving on meanwhile: ${failedDiscarding.join(', ')}`,
      )
    } else {
      tell(discardedRuns.length > 0 ? `${counted(discardedRuns.length, 'run')} discarded` : 'No run was waiting')
    }
  }

  return (
    <Confirm
      opened
      title="Discard all runs that wait?"
      verb={runs > 0 ? `Discard ${counted(runs, 'run')}` : 'Discard'}
      dangerous
      busy={fetching}
      why={why}
      onClose={onClose}
      onConfirm={() => void go()}
    >
      <Stack gap="sm">
        {runs > 0 && (
          <Text size="sm">
            {counted(runs, 'run')} of {stack.name} {runs === 1 ? 'waits' : 'wait'} for a worker, a turn or a person,
            and {runs === 1 ? 'ends' : 'end'} for good.{' '}
            {plans > 0 &&
              `${counted(plans, 'plan')} that nobody has applied yet ${plans === 1 ? 'is' : 'are'} lost: the code has to be planned again. `}
            What a worker is on goes on, and the infrastructure stays as it is.
          </Text>
        )}
        {unknown && <Refused title="The runs could not be counted" error={unknown} />}
        {refused && <Refused title="Nothing was discarded" error={refused} />}
      </Stack>
    </Confirm>
  )
}

function unfinished(stack: string) {
  return {
    fields: ['state'],
    predicates: [
      { field: 'stack', constraint: { stringMatches: [stack] }, exclude: null },
      { field: 'finished', constraint: { booleanEquals: [false] }, exclude: null },
    ],
  }
}
