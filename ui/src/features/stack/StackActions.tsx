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
import { useState } from 'react'
import { Link } from 'react-router'
import { useMutation, type CombinedError } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { useSession } from '~/graphql/session'
import { to } from '~/lib/paths'
import { Action, Button, Group, Menu, MenuAction, tell, warn } from '~/ui'

import { DiscardRuns } from './DiscardRuns'
import { lacking, type StackHead } from './here'
import { LockStack, UnlockStack } from './Locking'
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

type Asked = 'commit' | 'configured' | 'destroy' | 'discard' | 'lock' | 'unlock'

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
      {asked === 'discard' && <DiscardRuns stack={stack} onClose={close} />}
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
        <MenuAction
          icon={<IconGitCommit size={16} aria-hidden />}
          why={stack.previewProblem ?? undefined}
          onClick={() => onAsk('commit')}
        >
          Run another commit…
        </MenuAction>
        <MenuAction
          icon={<IconAdjustments size={16} aria-hidden />}
          why={lacking(stack, 'RUN_TRIGGER_WITH_CUSTOM_RUNTIME_CONFIG') ?? stack.previewProblem ?? undefined}
          onClick={() => onAsk('configured')}
        >
          Run with its own configuration…
        </MenuAction>
        <Menu.Item
          component={Link}
          to={to.stackTab(stack.id, 'tasks')}
          leftSection={<IconTerminal2 size={16} aria-hidden />}
        >
          Perform a task…
        </Menu.Item>
        <MenuAction
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
        </MenuAction>
        {stack.lockedBy ? (
          <MenuAction
            icon={<IconLockOpen size={16} aria-hidden />}
            why={lacking(stack, mine ? 'STACK_UNLOCK' : 'STACK_UNLOCK_FORCE')}
            onClick={() => onAsk('unlock')}
          >
            Unlock…
          </MenuAction>
        ) : (
          <MenuAction
            icon={<IconLock size={16} aria-hidden />}
            why={lacking(stack, 'STACK_LOCK')}
            onClick={() => onAsk('lock')}
          >
            Lock…
          </MenuAction>
        )}
        <MenuAction
          icon={<IconClearAll size={16} aria-hidden />}
          why={lacking(stack, 'RUN_DISCARD')}
          onClick={() => onAsk('discard')}
        >
          Discard all runs that wait…
        </MenuAction>
        <MenuAction
          icon={<IconFlame size={16} aria-hidden />}
          red
          why={stack.runProblem ?? undefined}
          onClick={() => onAsk('destroy')}
        >
          Destroy its resources…
        </MenuAction>
      </Menu.Dropdown>
    </Menu>
  )
}
