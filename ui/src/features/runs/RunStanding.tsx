import { Link } from 'react-router'

import { graphql, readFragment, type FragmentOf } from '~/graphql/gql'
import { to } from '~/lib/paths'
import { exact } from '~/lib/time'
import { Alert, Anchor, Group, Stack, Text, Took, When } from '~/ui'

export const RunStandingFields = graphql(`
  fragment RunStandingFields on Run {
    id
    finished
    condition {
      reason
      message
      owner
      since
      deadline
      workerId
      heldSince
      blockedBy
      runsAhead
    }
  }
`)

/** A link on a coloured ground has its colour, and a line. */
const PLAIN = { size: 'sm', c: 'inherit', underline: 'always' } as const

type Pool = { id: string; name: string } | null | undefined

const NEXT: Record<string, string> = {
  SOURCE: 'Gantry fetches the commit from its repository. If it cannot, the run fails and says why.',
  TURN: 'Nothing needs to be done.',
  STACK_HELD: 'One run at a time may change what a stack manages. This one starts when the other has ended.',
  STACK_LOCKED: 'Unlock the stack when it is safe to go on; the run starts by itself then.',
  STACK_DELETION: 'If the deletion succeeds, this run ends with the stack.',
  NO_WORKER: 'It starts as soon as a worker of the pool is free. More workers make the queue shorter.',
  CONFIRMATION: 'Read what it changes, then confirm or discard it. It waits as long as it takes.',
  REVIEW: 'Approve or reject it. It waits as long as it takes.',
  STOP: 'If the worker does not heed the stop, the run can be taken from it.',
}

/** Who has to do something next, and what; and what happens if nobody does. */
export function RunStanding(props: {
  stack: string
  pool: Pool
  run: FragmentOf<typeof RunStandingFields>
}) {
  const { id, condition, finished } = readFragment(RunStandingFields, props.run)
  if (finished || !condition) return null
  const color = { PERSON: 'yellow', WORKER: 'blue', PLATFORM: 'gray' }[condition.owner]
  const next = NEXT[condition.reason]
  return (
    <Alert color={color} title={`It ${condition.message}.`} role="status">
      <Stack gap={4}>
        {next && <Text size="sm">{next}</Text>}
        <Group gap="lg" component="dl" m={0}>
          <Fact name="For">
            <Took from={condition.since} />
          </Fact>
          {condition.runsAhead != null && (
            <Fact name="Place in the queue">{(condition.runsAhead + 1).toLocaleString()}</Fact>
          )}
          {props.pool && (condition.runsAhead != null || condition.workerId) && (
            <Fact name="Worker pool">
              <Anchor component={Link} to={to.pool(props.pool.id)} {...PLAIN}>
                {props.pool.name}
              </Anchor>
            </Fact>
          )}
          {condition.blockedBy && (
            <Fact name="Waits for">
              <Anchor component={Link} to={to.run(props.stack, condition.blockedBy)} {...PLAIN}>
                the run that holds the stack
              </Anchor>
            </Fact>
          )}
          {condition.reason === 'STACK_LOCKED' && (
            <Fact name="Lock">
              <Anchor component={Link} to={to.stack(props.stack)} {...PLAIN}>
                see the stack
              </Anchor>
            </Fact>
          )}
          {condition.reason === 'CONFIRMATION' && (
            <Fact name="Plan">
              <Anchor component={Link} to={to.runChanges(props.stack, id)} {...PLAIN}>
                see what it changes
              </Anchor>
            </Fact>
          )}
          {condition.workerId && condition.heldSince != null && (
            <Fact name="Held by">
              <span title={`since ${exact(condition.heldSince)}`}>
                <code>{condition.workerId.slice(-8)}</code> since <When at={condition.heldSince} />
              </span>
            </Fact>
          )}
          {condition.owner === 'WORKER' && (
            <Fact name="Lease">renewed by the worker every few seconds; when it falls silent, the run ends here</Fact>
          )}
          {condition.deadline != null && condition.reason === 'SOURCE' && (
            <Fact name="Given up">
              <When at={condition.deadline} />
            </Fact>
          )}
        </Group>
      </Stack>
    </Alert>
  )
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <Text component="dt" size="xs">
        {name}
      </Text>
      <Text component="dd" size="sm" fw={600} m={0}>
        {children}
      </Text>
    </div>
  )
}
