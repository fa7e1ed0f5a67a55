import { useState } from 'react'
import { useMutation } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf, type Problem } from '~/graphql/problem'
import { Action, Button, Code, Group, List, Modal, ScrollArea, Stack, Text, Trouble, tell } from '~/ui'

import { summary, type Change } from './changes'

const ReplanMutation = graphql(`
  mutation Replan($stack: ID!, $run: ID!, $targets: [String!]!) {
    runTargetedReplan(stack: $stack, run: $run, targets: $targets) {
      id
      state
    }
  }
`)

/** What the server takes at once. */
const MOST_TARGETS = 1000

interface ReplanProps {
  stack: string
  run: string
  all: readonly Change[]
  chosen: readonly Change[]
  why: string | undefined
  onDone: () => void
}

/** Plans again for the chosen resources alone; says first what that does, and what it leaves out. */
export function Replan({ stack, run, all, chosen, why, onDone }: ReplanProps) {
  const [asking, setAsking] = useState(false)
  const [refused, setRefused] = useState<Problem>()
  const [replanning, replan] = useMutation(ReplanMutation)
  const left = all.length - chosen.length
  const reason =
    why ??
    (chosen.length === 0
      ? 'Choose the resources first.'
      : chosen.length > MOST_TARGETS
        ? `At most ${MOST_TARGETS.toLocaleString()} resources can be chosen.`
        : undefined)

  const act = async () => {
    setRefused(undefined)
    const { error } = await replan({ stack, run, targets: chosen.map((one) => one.address) })
    if (error) return setRefused(problemOf(error))
    setAsking(false)
    onDone()
    return tell(`Planning again for ${chosen.length.toLocaleString()} resources`)
  }
  return (
    <>
      <Action variant="default" size="compact-sm" why={reason} onClick={() => setAsking(true)}>
        Plan these alone{chosen.length > 0 && ` (${chosen.length.toLocaleString()})`}
      </Action>
      <Modal opened={asking} onClose={() => setAsking(false)} title="Plan these alone?" size="lg" centered>
        <Stack gap="sm">
          <Text size="sm">The chosen resources, as planned now: {summary(chosen)}.</Text>
          <ScrollArea.Autosize mah={180} type="auto" tabIndex={0} aria-label="Chosen resources" role="region">
            <Code block>{chosen.map((one) => one.address).join('\n')}</Code>
          </ScrollArea.Autosize>
          <List size="sm">
            <List.Item>The plan that waits now is thrown away.</List.Item>
            <List.Item>
              A worker plans again for these {chosen.length === 1 ? 'resource' : 'resources'} only, and for
              what they depend on.
            </List.Item>
            <List.Item>The new plan waits to be confirmed; nothing is applied before that.</List.Item>
            <List.Item>
              {left === 0
                ? 'Nothing of the plan is left out.'
                : `The other ${left.toLocaleString()} of the plan are left out: a later run of the whole stack plans them again.`}
            </List.Item>
          </List>
          {refused && <Trouble title="The server refused" {...refused} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setAsking(false)}>
              Back
            </Button>
            <Action why={reason} loading={replanning.fetching} onClick={() => void act()} data-autofocus>
              Plan again
            </Action>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
