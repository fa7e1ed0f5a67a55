import { IconBan, IconGitBranch, IconLock, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { useMutation } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { useSession } from '~/graphql/session'
import { to } from '~/lib/paths'
import { Action, Alert, Anchor, Button, Group, Text, When, tell, warn } from '~/ui'

import { lacking, type StackHead } from './here'
import { UnlockStack } from './Locking'

const SyncCommit = graphql(`
  mutation SyncCommit($id: ID!) {
    stackSyncCommit(id: $id) {
      id
      sourceProblem
      trackedCommit {
        hash
      }
    }
  }
`)

/** What keeps the stack from going on as usual, and what to do about it. */
export function StackStanding({ stack }: { stack: StackHead }) {
  return (
    <>
      {stack.deleting && <Leaving stack={stack} />}
      {stack.isDisabled && (
        <Alert color="gray" icon={<IconBan aria-hidden />} title="Disabled">
          <Text size="sm">
            It takes no new runs. Enable it again in the{' '}
            <Anchor component={Link} to={to.stackTab(stack.id, 'danger')} size="sm" underline="always">
              danger zone
            </Anchor>
            .
          </Text>
        </Alert>
      )}
      {stack.lockedBy && <Locked stack={stack} by={stack.lockedBy} />}
      {stack.notificationCount > 0 && (
        <Anchor component={Link} to={to.notificationsOf(stack.id)} size="sm">
          {stack.notificationCount === 1 ? '1 notification' : `${stack.notificationCount} notifications`} about this
          stack
        </Anchor>
      )}
      {stack.sourceProblem && <SourceProblem stack={stack} problem={stack.sourceProblem} />}
    </>
  )
}

function Leaving({ stack }: { stack: StackHead }) {
  return (
    <Alert color="red" icon={<IconTrash aria-hidden />} title="Being deleted">
      <Text size="sm">
        A run destroys its resources first; the stack goes when that has ended well, and stays if not.
        {stack.blocker && (
          <>
            {' '}
            <Anchor component={Link} to={to.run(stack.id, stack.blocker.id)} size="sm" underline="always">
              See that run
            </Anchor>
          </>
        )}
      </Text>
    </Alert>
  )
}

function Locked({ stack, by }: { stack: StackHead; by: string }) {
  const [asking, setAsking] = useState(false)
  const { viewer } = useSession()
  const mine = viewer.login === by
  const bySystem = by === 'system'
  const who = bySystem ? 'Gantry' : mine ? 'you' : by
  return (
    <Alert
      color={bySystem ? 'red' : 'orange'}
      icon={<IconLock aria-hidden />}
      title={
        <>
          {bySystem ? 'Locked until somebody has looked' : `Locked by ${who}`}, <When at={stack.lockedAt} />
        </>
      }
    >
      <Group justify="space-between" align="flex-end">
        <div>
          {stack.lockNote && (
            <Text size="sm" mb={4} style={{ overflowWrap: 'anywhere' }}>
              {bySystem ? stack.lockNote : `“${stack.lockNote}”`}
            </Text>
          )}
          <Text size="sm">
            {bySystem
              ? 'Compare the state with the infrastructure, then unlock it. Previews run meanwhile.'
              : `Only ${who} can start runs that change something; previews run for everybody.`}
          </Text>
        </div>
        <Action
          size="xs"
          variant="default"
          onClick={() => setAsking(true)}
          why={lacking(stack, mine ? 'STACK_UNLOCK' : 'STACK_UNLOCK_FORCE')}
        >
          Unlock
        </Action>
      </Group>
      <UnlockStack stack={stack} opened={asking} onClose={() => setAsking(false)} />
    </Alert>
  )
}

function SourceProblem({ stack, problem }: { stack: StackHead; problem: string }) {
  const [looking, look] = useMutation(SyncCommit)
  return (
    <Alert color="red" icon={<IconGitBranch aria-hidden />} title="The branch could not be looked up" role="alert">
      <Group justify="space-between" align="flex-end">
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {problem}
        </Text>
        <Group gap="xs">
          <Button component={Link} to={to.stackTab(stack.id, 'settings')} size="xs" variant="default">
            To the settings
          </Button>
          <Action
            size="xs"
            variant="default"
            loading={looking.fetching}
            why={lacking(stack, 'STACK_SYNC_COMMIT')}
            onClick={() =>
              void look({ id: stack.id }).then(({ error }) => {
                if (error) warn('The branch could not be looked up', problemOf(error))
                else tell('The branch was found')
              })
            }
          >
            Look again
          </Action>
        </Group>
      </Group>
    </Alert>
  )
}
