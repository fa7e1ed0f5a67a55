import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation, type CombinedError } from 'urql'

import { graphql } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { asked, narrowed } from '~/list/asked'
import { Listing, type Column } from '~/list/Listing'
import { useView } from '~/list/view'
import { Action, Alert, Anchor, Button, Checkbox, Code, Empty, Group, Stack, Text, Textarea, When } from '~/ui'
import { Link } from 'react-router'

import { lacking, useStack, useStackQuery } from './here'
import { ByCell, runOf, StateCell, stateFilter, TookCell, type RunRow } from './RunCells'
import { StackRunsQuery } from './StackRuns'

const TaskMutation = graphql(`
  mutation CreateTask($stack: ID!, $command: String!, $skip: Boolean!) {
    taskCreate(stack: $stack, command: $command, skipInitialization: $skip) {
      id
    }
  }
`)

/** One command in the stack's workspace; and those of before, with what came of them. */
export default function StackTasks() {
  const [command, setCommand] = useState('')
  return (
    <Stack gap="lg">
      <Performing command={command} onChange={setCommand} />
      <History
        onRepeat={(before) => {
          setCommand(before)
          window.scrollTo({ top: 0 })
        }}
      />
    </Stack>
  )
}

function Performing({ command, onChange }: { command: string; onChange: (command: string) => void }) {
  const stack = useStack()
  const go = useNavigate()
  const [skip, setSkip] = useState(false)
  const [{ fetching }, create] = useMutation(TaskMutation)
  const [error, setError] = useState<CombinedError>()
  const why =
    lacking(stack, 'TASK_CREATE') ??
    stack.taskProblem ??
    (command.trim() ? undefined : 'Write the command first.')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (why) return
        void create({ stack: stack.id, command, skip }).then((result) => {
          setError(result.error)
          if (result.data) void go(to.run(stack.id, result.data.taskCreate.id))
        })
      }}
    >
      <Stack gap="sm" maw={820}>
        <Textarea
          label="Command"
          description="Runs in a shell, in the project's directory, on a worker of the stack"
          placeholder="terraform state list"
          value={command}
          onChange={(event) => onChange(event.currentTarget.value)}
          autosize
          minRows={2}
          maxRows={12}
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        />
        <Alert color="orange" title="There is no plan and no question before it">
          <Text size="sm">
            The command has the stack&apos;s environment, its credentials and its state. What it changes is
            changed. Other runs that change the stack wait until it has ended.
          </Text>
        </Alert>
        <Checkbox
          label="Skip initialization"
          description="The command begins at once, without the tool's init and its hooks: the state is not reachable then"
          checked={skip}
          onChange={(event) => setSkip(event.currentTarget.checked)}
        />
        {error && <Refused title="No task was started" error={error} />}
        <Group>
          <Action type="submit" why={why} loading={fetching}>
            Perform
          </Action>
        </Group>
      </Stack>
    </form>
  )
}

function CommandCell({ row }: { row: RunRow }) {
  const stack = useStack()
  const { id, command, title } = runOf(row)
  return (
    <Anchor component={Link} to={to.run(stack.id, id)} title={command ?? ''}>
      <Code>{title}</Code>
    </Anchor>
  )
}

function columnsWith(onRepeat: (command: string) => void): readonly Column<RunRow>[] {
  return [
    {
      key: 'command',
      title: 'Command',
      cell: (row) => <CommandCell row={row} />,
    },
    { key: 'state', title: 'Result', cell: (row) => <StateCell row={row} /> },
    { key: 'by', title: 'By', cell: (row) => <ByCell row={row} /> },
    {
      key: 'created',
      title: 'Started',
      order: 'createdAt',
      cell: (row) => <When at={runOf(row).createdAt} />,
    },
    { key: 'took', title: 'Took', number: true, cell: (row) => <TookCell row={row} /> },
    {
      key: 'again',
      title: 'Again',
      cell: (row) => (
        <Button
          variant="subtle"
          size="compact-sm"
          onClick={() => onRepeat(runOf(row).command ?? '')}
          aria-label={`Write ${runOf(row).title} again`}
        >
          Write again
        </Button>
      ),
    },
  ]
}

function History({ onRepeat }: { onRepeat: (command: string) => void }) {
  const stack = useStack()
  const looking = useView()
  const wanted = asked(looking.view)
  const input = {
    ...wanted,
    predicates: [
      ...wanted.predicates,
      { field: 'stack', constraint: { stringMatches: [stack.id] }, exclude: null },
      { field: 'type', constraint: { stringMatches: ['TASK'] }, exclude: null },
    ],
  }
  const { data, error } = useStackQuery(StackRunsQuery, { input })
  return (
    <Stack gap="sm">
      {error && <Refused title="The tasks could not be loaded" error={error} />}
      <Listing
        name="Tasks"
        hint="Words of the command"
        columns={columnsWith(onRepeat)}
        filters={[
          stateFilter(['PLANNING', 'UNCONFIRMED', 'PENDING_REVIEW', 'CONFIRMED', 'APPLYING', 'DESTROYING']),
        ]}
        rows={data?.searchRuns.edges.map((edge) => edge.node.run)}
        keyOf={(row) => runOf(row).id}
        nameOf={(row) => runOf(row).title}
        looking={looking}
        page={data?.searchRuns.pageInfo}
        empty={
          narrowed(looking.view) ? (
            <Empty title="No task fits">Other words or fewer filters may find it.</Empty>
          ) : (
            <Empty title="No task yet">
              Tasks are for what no plan does: importing, unlocking, moving addresses, looking at the state.
            </Empty>
          )
        }
      />
    </Stack>
  )
}
