import { useMemo, useState } from 'react'

import { graphql, readFragment, type FragmentOf } from '~/graphql/gql'
import { useCommands, type Command } from '~/lib/commands'
import { Action, Button, Group, Menu, MenuAction } from '~/ui'

import { AskDecision } from './AskDecision'
import { arranged, choiceOf, commandOf, labelOf, offered, whyNot, WORDS, type Run, type Verb } from './decisions'

export const RunActionsFields = graphql(`
  fragment RunActionsFields on Run {
    id
    type
    state
    finished
    priority
    targets
    choices {
      decision
      possible
      refusal
      code
    }
    delta {
      addCount
      changeCount
      deleteCount
    }
    condition {
      reason
    }
    history {
      state
      stateVersion
      timestamp
      username
      note
    }
  }
`)

/** What can be decided about a run now; what cannot says why, as the server would. */
export function RunActions(props: {
  stack: string
  run: FragmentOf<typeof RunActionsFields>
  /** Asks the server again. */
  again: () => void
}) {
  const run = readFragment(RunActionsFields, props.run)
  const [asking, setAsking] = useState<Verb>()
  const { front, rest } = arranged(run)
  const commands = useMemo(() => commandsOf(readFragment(RunActionsFields, props.run), setAsking), [props.run, setAsking])
  useCommands(commands)
  return (
    <Group gap="xs" role="group" aria-label="Decisions">
      {front.map((verb, n) => (
        <Action
          key={verb}
          {...(n === 0 && (verb === 'confirm' || verb === 'approve') ? {} : { variant: 'default' })}
          {...(verb === 'kill' ? { color: 'red', variant: 'light' } : {})}
          why={whyNot(choiceOf(verb, run))}
          onClick={() => setAsking(verb)}
        >
          {labelOf(verb, run)}
        </Action>
      ))}
      <Menu position="bottom-end" width={320}>
        <Menu.Target>
          <Button variant="default">More</Button>
        </Menu.Target>
        <Menu.Dropdown>
          {rest.map((verb) => (
            <MenuAction
              key={verb}
              why={whyNot(choiceOf(verb, run))}
              red={WORDS[verb].red}
              onClick={() => setAsking(verb)}
            >
              {labelOf(verb, run)}
            </MenuAction>
          ))}
        </Menu.Dropdown>
      </Menu>
      {asking && (
        <AskDecision
          key={asking}
          stack={props.stack}
          run={run}
          verb={asking}
          onClose={() => setAsking(undefined)}
          onRefused={props.again}
        />
      )}
    </Group>
  )
}

function commandsOf(run: Run, ask: (verb: Verb) => void): Command[] {
  return offered(run).map((verb) => ({
    id: `run ${verb}`,
    label: commandOf(verb, run),
    why: whyNot(choiceOf(verb, run)),
    act: () => ask(verb),
  }))
}
