import {
  IconAdjustments,
  IconChevronDown,
  IconClearAll,
  IconFlame,
  IconGitCommit,
  IconLock,
  IconLockOpen,
  IconRefresh,
  IconTerminal2,
} from '@tabler/icons-react'
import { useState, type ReactNode } from 'react'
import { Link } from 'react-router'
import { useMutation, type CombinedError } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { useSession } from '~/graphql/session'
import { to } from '~/lib/paths'
import { Action, Button, Group, Menu, Text, tell, warn } from '~/ui'

import { lacking, type StackHead } from './here'
import { LockStack, UnlockStack } from './Locking'
import { counted } from './losses'
import { RunConfigured } from './RunConfigured'
import { DestroyResources, RunCommit } from './StartRun'
import { useStarting } from './starting'

const SyncMutation = graphql(`
  mutation SyncStack($id: ID!) {
    stackSyncCommit(id: $id) {
      id
      trackedCommit {
        hash
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

type Asked = 'commit' | 'configured' | 'destroy' | 'lock' | 'unlock'

/** What can be started on a stack, and done about it; what cannot says why. */
export function StackActions({ stack }: { stack: StackHead }) {
  const { start, fetching } = useStarting(stack.id)
  const [asked, setAsked] = useState<Asked>()
  const close = () => setAsked(undefined)
  return (
    <Group gap="xs">
      <Action
        loading={fetching}
        why={stack.runProblem ?? undefined}
        hint="Plans the newest commit of the branch; you confirm before anything changes"
        onClick={() => void start('TRACKED').then(refusal('No run was started'))}
      >
        Trigger
      </Action>
      <Action
        variant="default"
        loading={fetching}
        why={stack.previewProblem ?? undefined}
        hint="Plans the newest commit of the branch, and never applies it"
        onClick={() => void start('PROPOSED').then(refusal('No preview was started'))}
      >
        Preview
      </Action>
      <More stack={stack} onAsk={setAsked} />
      <RunCommit stack={stack} opened={asked === 'commit'} onClose={close} />
      {asked === 'configured' && <RunConfigured stack={stack} onClose={close} />}
      {asked === 'destroy' && <DestroyResources stack={stack} onClose={close} />}
      <LockStack stack={stack} opened={asked === 'lock'} onClose={close} />
      <UnlockStack stack={stack} opened={asked === 'unlock'} onClose={close} />
    </Group>
  )
}

function refusal(title: string) {
  return (error: CombinedError | undefined) => {
    if (error) warn(title, problemOf(error))
  }
}

function More({ stack, onAsk }: { stack: StackHead; onAsk: (what: Asked) => void }) {
  const [, sync] = useMutation(SyncMutation)
  const [, discard] = useMutation(DiscardAllMutation)
  const { viewer } = useSession()
  const mine = stack.lockedBy === viewer.login
  return (
    <Menu position="bottom-end" width={300}>
      <Menu.Target>
        <Button variant="default" rightSection={<IconChevronDown size={15} aria-hidden />}>
          More
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Choice
          icon={<IconGitCommit size={16} aria-hidden />}
          why={stack.previewProblem ?? undefined}
          onClick={() => onAsk('commit')}
        >
          Run another commit…
        </Choice>
        <Choice
          icon={<IconAdjustments size={16} aria-hidden />}
          why={lacking(stack, 'RUN_TRIGGER_WITH_CUSTOM_RUNTIME_CONFIG') ?? stack.previewProblem ?? undefined}
          onClick={() => onAsk('configured')}
        >
          Run with its own configuration…
        </Choice>
        <Menu.Item
          component={Link}
          to={to.stackTab(stack.id, 'tasks')}
          leftSection={<IconTerminal2 size={16} aria-hidden />}
        >
          Perform a task…
        </Menu.Item>
        <Choice
          icon={<IconRefresh size={16} aria-hidden />}
          why={lacking(stack, 'STACK_SYNC_COMMIT')}
          onClick={() =>
            void sync({ id: stack.id }).then(({ data, error }) => {
              const hash = data?.stackSyncCommit.trackedCommit?.hash.slice(0, 8)
              if (error) warn('The branch could not be looked up', problemOf(error))
              else tell('The branch was looked up', hash ? `It is at ${hash}.` : undefined)
            })
          }
        >
          Look the branch up now
        </Choice>
        {stack.lockedBy ? (
          <Choice
            icon={<IconLockOpen size={16} aria-hidden />}
            why={lacking(stack, mine ? 'STACK_UNLOCK' : 'STACK_UNLOCK_FORCE')}
            onClick={() => onAsk('unlock')}
          >
            Unlock…
          </Choice>
        ) : (
          <Choice
            icon={<IconLock size={16} aria-hidden />}
            why={lacking(stack, 'STACK_LOCK')}
            onClick={() => onAsk('lock')}
          >
            Lock…
          </Choice>
        )}
        <Choice
          icon={<IconClearAll size={16} aria-hidden />}
          why={lacking(stack, 'RUN_DISCARD')}
          onClick={() =>
            void discard({ id: stack.id }).then(({ data, error }) => {
              if (error) return warn('Nothing was discarded', problemOf(error))
              const { discardedRuns = [], failedDiscarding = [] } = data?.runDiscardAll ?? {}
              if (failedDiscarding.length > 0) {
                return warn(
                  `${counted(failedDiscarding.length, 'run')} could not be discarded`,
                  `They were moving on meanwhile: ${failedDiscarding.join(', ')}`,
                )
              }
              tell(
                discardedRuns.length > 0
                  ? `${counted(discardedRuns.length, 'run')} discarded`
                  : 'No run was waiting',
              )
            })
          }
        >
          Discard all runs that wait
        </Choice>
        <Choice
          icon={<IconFlame size={16} aria-hidden />}
          red
          why={stack.runProblem ?? undefined}
          onClick={() => onAsk('destroy')}
        >
          Destroy its resources…
        </Choice>
      </Menu.Dropdown>
    </Menu>
  )
}

/** An item of the menu; one that cannot be chosen now stays readable, with the reason. */
function Choice(props: {
  icon: ReactNode
  children: ReactNode
  why: string | undefined
  red?: true
  onClick: () => void
}) {
  return (
    <Menu.Item
      leftSection={props.icon}
      {...(props.why ? { 'aria-disabled': true, closeMenuOnClick: false } : { onClick: props.onClick })}
    >
      <Text span size="sm" c={props.why ? 'dimmed' : props.red ? 'var(--mantine-color-red-text)' : 'inherit'}>
        {props.children}
      </Text>
      {props.why && (
        <Text size="xs" c="dimmed">
          {props.why}
        </Text>
      )}
    </Menu.Item>
  )
}
