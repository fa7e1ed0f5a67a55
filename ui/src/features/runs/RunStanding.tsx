import { Link } from 'react-router'

import { graphql, readFragment, type FragmentOf } from '~/graphql/gql'
import { to } from '~/lib/paths'
import { duration } from '~/lib/time'
import { Alert, Anchor, Text, Took, useNow } from '~/ui'

export const RunStandingFields = graphql(`
  fragment RunStandingFields on Run {
    finished
    condition {
      reason
      message
      owner
      since
      deadline
      workerId
      blockedBy
      runsAhead
    }
  }
`)

const WHO = {
  PLATFORM: 'Gantry',
  WORKER: 'the worker',
  PERSON: 'somebody with the right to decide',
} as const

/** Who has to do something next, and what; and what happens if nobody does. */
export function RunStanding(props: { stack: string; run: FragmentOf<typeof RunStandingFields> }) {
  const { condition, finished } = readFragment(RunStandingFields, props.run)
  const now = useNow()
  if (finished || !condition) return null
  const color = { PERSON: 'yellow', WORKER: 'blue', PLATFORM: 'gray' }[condition.owner]
  return (
    <Alert color={color} title={`It ${condition.message}.`} role="status">
      <Text size="sm">
        For <Took from={condition.since} />, it is the turn of {WHO[condition.owner]}.
        {condition.deadline != null &&
          ` If nothing is heard from it for ${duration(Math.max(0, condition.deadline - now))}, the run is taken to be lost.`}
        {condition.blockedBy && (
          <>
            {' '}
            <Anchor component={Link} to={to.run(props.stack, condition.blockedBy)}>
              See the run that is in the way
            </Anchor>
          </>
        )}
      </Text>
    </Alert>
  )
}
