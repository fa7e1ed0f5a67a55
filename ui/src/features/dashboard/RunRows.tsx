import type { ReactNode } from 'react'
import { Link } from 'react-router'

import { to } from '~/lib/paths'
import { RunState } from '~/runs/RunState'
import { Anchor, Badge, Group, Text, Took, When } from '~/ui'

import classes from './Dashboard.module.css'
import type { LockedStack, RunOf } from './overview'

/** Runs, a few lines each: of which stack, where it stands, and what is said of it. */
export function RunRows(props: {
  runs: readonly RunOf[]
  label: string
  say: (node: RunOf) => ReactNode
}) {
  return (
    <ul className={classes.rows} aria-label={props.label}>
      {props.runs.map((node) => (
        <li key={node.run.id}>
          <Group gap="xs" wrap="nowrap" justify="space-between">
            <Text size="sm" fw={600} lineClamp={1}>
              <Anchor component={Link} to={to.run(node.stack.id, node.run.id)} inherit>
                {node.stack.name}
              </Anchor>
              {node.run.title && (
                <Text span c="dimmed" fw={400}>
                  {' '}
                  {node.run.title}
                </Text>
              )}
            </Text>
            <span>
              <RunState run={node.run} />
            </span>
          </Group>
          <Text size="xs" c="dimmed" component="div">
            {props.say(node)}
          </Text>
        </li>
      ))}
    </ul>
  )
}

/** What somebody has to decide, what it would do, and since when it waits. */
export function decision({ run, stack }: RunOf) {
  const { delta, condition } = run
  return (
    <>
      {delta && `${delta.addCount} to add, ${delta.changeCount} to change, ${delta.deleteCount} to delete. `}
      Waits {condition && <Took from={condition.since} />}
      {stack.canWrite ? ' for somebody to decide' : ' for somebody with the right to decide'}
      {run.triggeredBy && `, started by ${run.triggeredBy}`}.
    </>
  )
}

export function waitingFor({ run, stack }: RunOf) {
  const { condition } = run
  if (!condition) return <When at={run.createdAt} />
  return (
    <>
      It {condition.message}, for <Took from={condition.since} />.
      {condition.blockedBy && (
        <>
          {' '}
          <Anchor component={Link} to={to.run(stack.id, condition.blockedBy)} inherit underline="always">
            See what is in the way
          </Anchor>
        </>
      )}
    </>
  )
}

export function failure({ run }: RunOf) {
  return (
    <>
      <When at={run.updatedAt} />
      {run.failureReason && `: ${run.failureReason}`}
      {!run.isMostRecent && (
        <Badge size="xs" variant="outline" color="gray" ml={6}>
          a newer run exists
        </Badge>
      )}
    </>
  )
}

/** Locked stacks. One that Gantry locked asks for somebody; one that a person locked tells by whom. */
export function LockedRows({ stacks, label }: { stacks: readonly LockedStack[]; label: string }) {
  return (
    <ul className={classes.rows} aria-label={label}>
      {stacks.map((stack) => (
        <li key={stack.id}>
          <Group gap="xs" wrap="nowrap" justify="space-between">
            <Anchor component={Link} to={to.stack(stack.id)} size="sm" fw={600} lineClamp={1}>
              {stack.name}
            </Anchor>
            {stack.unknownOutcome ? (
              <Badge variant="filled" color="red" style={{ flex: 'none' }}>
                outcome unknown
              </Badge>
            ) : (
              <Badge variant="light" color="orange" style={{ flex: 'none' }}>
                locked
              </Badge>
            )}
          </Group>
          <Text size="xs" c="dimmed" component="div">
            {stack.unknownOutcome ? (
              <>
                Compare the state with the infrastructure, then unlock the stack.{' '}
                <Anchor component={Link} to={to.run(stack.id, stack.unknownOutcome.id)} inherit underline="always">
                  See the run
                </Anchor>
              </>
            ) : (
              <>
                By {stack.lockedBy}, <When at={stack.lockedAt} />
                {stack.lockNote && `: ${stack.lockNote}`}
              </>
            )}
          </Text>
        </li>
      ))}
    </ul>
  )
}
