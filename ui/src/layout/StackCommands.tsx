import { useState, type ReactNode } from 'react'
import { useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import type { Command } from '~/lib/commands'
import { to } from '~/lib/paths'
import { Confirm, Text, tell, warn } from '~/ui'

import { useHere, type Here } from './here'

const Trigger = graphql(`
  mutation PaletteTrigger($stack: ID!) {
    runTrigger(stack: $stack) {
      id
    }
  }
`)
const Lock = graphql(`
  mutation PaletteLock($stack: ID!) {
    stackLock(id: $stack) {
      id
      lockedBy
    }
  }
`)
const Unlock = graphql(`
  mutation PaletteUnlock($stack: ID!) {
    stackUnlock(id: $stack) {
      id
      lockedBy
    }
  }
`)

type Verb = 'trigger' | 'lock' | 'unlock'

const ASKED: Record<Verb, { verb: string; words: string }> = {
  trigger: {
    verb: 'Trigger',
    words: 'A tracked run of its commit begins. The plan waits to be confirmed, unless the stack deploys by itself.',
  },
  lock: { verb: 'Lock', words: 'It takes runs from nobody but you until it is unlocked. What is running goes on.' },
  unlock: {
    verb: 'Unlock',
    words:
      'It takes runs from everybody again, and those that wait for the lock begin. Where the outcome of a run is unknown, unlocking says that somebody has looked.',
  },
}

/** What the palette can do with the stack whose page, or whose run's page, is open. */
export function useStackCommands(): { commands: readonly Command[]; dialogs: ReactNode } {
  const here = useHere()
  const [asking, setAsking] = useState<{ verb: Verb; stack: Here }>()
  const [busy, setBusy] = useState(false)
  const act = useAct()
  const go = useNavigate()
  const dialogs = asking && (
    <Confirm
      opened
      title={`${ASKED[asking.verb].verb} ${asking.stack.name}?`}
      verb={ASKED[asking.verb].verb}
      busy={busy}
      onClose={() => setAsking(undefined)}
      onConfirm={() => {
        setBusy(true)
        void act(asking.verb, asking.stack).then(() => {
          setBusy(false)
          setAsking(undefined)
        })
      }}
    >
      <Text size="sm">{ASKED[asking.verb].words}</Text>
    </Confirm>
  )
  if (!here) return { commands: [], dialogs }
  const ask = (verb: Verb) => () => setAsking({ verb, stack: here })
  const mayNot = here.canWrite ? undefined : 'You may read this stack, and not act on it.'
  const commands: Command[] = [
    {
      id: 'trigger',
      label: `Trigger a run of ${here.name}`,
      why: mayNot ?? (here.isDisabled ? 'It is disabled, and takes no runs.' : undefined),
      act: ask('trigger'),
    },
    here.lockedBy
      ? { id: 'unlock', label: `Unlock ${here.name}`, why: mayNot, act: ask('unlock') }
      : { id: 'lock', label: `Lock ${here.name}`, why: mayNot, act: ask('lock') },
  ]
  if (here.run) {
    commands.push({ id: 'stack', label: `Go to stack ${here.name}`, act: () => void go(to.stack(here.id)) })
  }
  return { commands, dialogs }
}

/** Does it, and tells how it went. */
function useAct() {
  const go = useNavigate()
  const [, trigger] = useMutation(Trigger)
  const [, lock] = useMutation(Lock)
  const [, unlock] = useMutation(Unlock)
  return async (verb: Verb, { id, name }: Here) => {
    if (verb === 'trigger') {
      const { data, error } = await trigger({ stack: id })
      if (error) warn(`No run of ${name} was started`, problemOf(error))
      else if (data) void go(to.run(id, data.runTrigger.id))
      return
    }
    const { error } = await (verb === 'lock' ? lock : unlock)({ stack: id })
    if (error) warn(`${ASKED[verb].verb} ${name}: refused`, problemOf(error))
    else tell(verb === 'lock' ? `${name} is locked` : `${name} is unlocked`)
  }
}
