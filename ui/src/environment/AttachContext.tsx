import { useState } from 'react'
import { useMutation, useQuery } from 'urql'

import { graphql } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { Action, Button, Group, Modal, NumberInput, Select, Stack, tell, useDebouncedValue } from '~/ui'

const AttachMutation = graphql(`
  mutation AttachContext($context: ID!, $stack: ID!, $priority: Int!) {
    contextAttach(id: $context, stack: $stack, priority: $priority) {
      id
      stackId
      contextId
    }
  }
`)

const ContextsQuery = graphql(`
  query ContextsToAttach($input: SearchInput!) {
    searchContexts(input: $input) {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`)

const StacksQuery = graphql(`
  query StacksToAttach($input: SearchInput!) {
    searchStacks(input: $input) {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`)

interface One {
  id: string
  name: string
}

interface Props {
  /** What is known already; the other is chosen. */
  stack?: One
  context?: One
  /** What is attached by hand already. */
  taken: readonly string[]
  onClose: () => void
}

/** As many as are seen at a glance; more are found by their letters. */
const SHOWN = 30

/** Attaches a context to a stack: from the side of either. */
export function AttachContext({ stack, context, taken, onClose }: Props) {
  const [words, setWords] = useState('')
  const [chosen, setChosen] = useState<string | null>(null)
  const [priority, setPriority] = useState<number | string>(0)
  const [{ fetching, error }, attach] = useMutation(AttachMutation)
  const found = useFound(words, stack !== undefined)
  const noun = stack ? 'context' : 'stack'
  const free = found.filter((one) => !taken.includes(one.id))
  const why =
    chosen === null
      ? `Choose a ${noun} first.`
      : typeof priority === 'number'
        ? undefined
        : 'It needs a priority: a number from 0 on.'
  const submit = async () => {
    if (chosen === null || typeof priority !== 'number') return
    const given = { context: context?.id ?? chosen, stack: stack?.id ?? chosen, priority }
    const { data } = await attach(given)
    if (!data) return
    const name = found.find((one) => one.id === chosen)?.name ?? chosen
    tell(`${context?.name ?? name} is attached to ${stack?.name ?? name}`, 'The next run is given what is in it.')
    onClose()
  }
  return (
    <Modal opened onClose={onClose} title={stack ? `Attach a context to ${stack.name}` : `Attach ${context?.name ?? 'it'} to a stack`}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why) void submit()
        }}
      >
        <Stack>
          <Select
            label={stack ? 'Context' : 'Stack'}
            placeholder="Type to find one"
            data={free.map(({ id, name }) => ({ value: id, label: name }))}
            value={chosen}
            onChange={setChosen}
            searchable
            onSearchChange={setWords}
            // The server has looked already.
            filter={({ options }) => options}
            nothingFoundMessage={`No ${noun} has these letters, or it is attached already`}
            data-autofocus
          />
          <NumberInput
            label="Priority"
            description="Of several contexts that have a variable of one name, the one with the lowest number counts."
            value={priority}
            onChange={setPriority}
            min={0}
            allowDecimal={false}
            maw={240}
          />
          {error && <Refused title="It was not attached" error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Back
            </Button>
            <Action type="submit" loading={fetching} why={why}>
              Attach
            </Action>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** Contexts or stacks that have the letters. */
function useFound(words: string, contexts: boolean): readonly One[] {
  const [settled] = useDebouncedValue(words, 200)
  const input = { first: SHOWN, fullTextSearch: settled || null }
  const [asContexts] = useQuery({ query: ContextsQuery, variables: { input }, pause: !contexts })
  const [asStacks] = useQuery({ query: StacksQuery, variables: { input }, pause: contexts })
  const edges = contexts ? asContexts.data?.searchContexts.edges : asStacks.data?.searchStacks.edges
  return (edges ?? []).map(({ node }) => node)
}
