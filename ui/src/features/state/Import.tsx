import { useState } from 'react'
import { useClient, useMutation } from 'urql'

import { problemOf, type Problem } from '~/graphql/problem'
import { size } from '~/lib/bytes'
import { Action, Alert, Card, Coming, Confirm, DropFile, Stack, Table, Text, Title, Trouble, tell, warn } from '~/ui'
import type { ResultOf } from '~/graphql/gql'

import { Comparing } from './Comparing'
import { CheckImportQuery, ImportMutation, type History, type StackOfState } from './documents'
import { Preview } from './Rollback'
import { Preparing, Step, Steps, Unlocking } from './Steps'
import { counted, hindrance, nowIs } from './words'

type Checked = ResultOf<typeof CheckImportQuery>['stackStateImportCheck']

/** Bytes. The server takes 32 MiB a request, in which quotes and line breaks are written as two. */
const MOST = 24 * 1024 * 1024

interface Chosen {
  name: string
  state: string
  checked: Checked | undefined
  problem: Problem | undefined
}

/** A state from a file: what it is, what it would replace, and why it may not. */
export function Import(props: { stack: StackOfState; history: History; again: () => void }) {
  const { stack, history } = props
  const client = useClient()
  const [chosen, setChosen] = useState<Chosen>()
  const [done, setDone] = useState(false)
  const [replaced, setReplaced] = useState<string>()
  const [asking, setAsking] = useState(false)
  const [busy, run] = useMutation(ImportMutation)

  const choose = async (file: File) => {
    setDone(false)
    const empty = { name: file.name, state: '', checked: undefined, problem: undefined }
    if (file.size > MOST) {
      const sentence = `The file has ${size(file.size)}; a page can send ${size(MOST)}. Use terraform state push in a task.`
      return setChosen({ ...empty, problem: { sentence, code: 'TOO_LARGE' } })
    }
    const state = await file.text()
    setChosen({ ...empty, state })
    const { data, error } = await client.query(
      CheckImportQuery,
      { stack: stack.id, state, input: { first: 1, after: null, text: null, kinds: null } },
      { requestPolicy: 'network-only' },
    )
    return setChosen({
      name: file.name,
      state,
      checked: data?.stackStateImportCheck,
      problem: error ? problemOf(error) : undefined,
    })
  }
  const go = async (given: Chosen) => {
    const { error } = await run({ stack: stack.id, state: given.state })
    setAsking(false)
    if (error) return warn('Nothing was imported', problemOf(error))
    setReplaced(history.current?.id)
    setDone(true)
    props.again()
    return tell('The state is imported')
  }

  const why =
    !chosen?.checked && !done
      ? 'Choose a state file first.'
      : (chosen?.checked?.refusal ?? hindrance(stack, history))
  return (
    <Stack gap="lg">
      <Title order={2}>Import a state</Title>
      <Text size="sm">
        The file becomes the stack&apos;s current state, as a new version on top. No version is deleted, and the
        infrastructure does not change.
      </Text>
      {history.changeRefusal && (
        <Trouble title="You cannot import a state here" sentence={history.changeRefusal} />
      )}
      {!done && (
        <DropFile
          label="State file"
          hint="A terraform.tfstate of format version 4"
          accept=".tfstate,.json,application/json"
          chosen={chosen?.name}
          onFile={(file) => void choose(file)}
        />
      )}
      {chosen?.problem && (
        <Trouble title={`${chosen.name} cannot be imported`} {...chosen.problem} />
      )}
      {chosen && !chosen.problem && !chosen.checked && <Coming height={160} />}
      {chosen?.checked && !done && <Facts checked={chosen.checked} history={history} name={chosen.name} />}
      {chosen?.checked && !done && (
        <Stack gap="xs">
          <Title order={3} size="h4">What would be replaced</Title>
          <Comparing
            key={chosen.name + chosen.checked.size}
            stack={stack.id}
            source={{ kind: 'file', state: chosen.state }}
            before={history.current ? `serial ${history.current.serial} (now)` : 'nothing (now)'}
            after={chosen.name}
          />
        </Stack>
      )}
      <Steps>
        {!done && <Preparing stack={stack} history={history} note="Importing a state" again={props.again} />}
        <Step done={done} title="Import">
          {done ? (
            <Alert color="green" title={nowIs(history, replaced)} role="status">
              <Text size="sm">It holds what {chosen?.name} held. The infrastructure is as before.</Text>
            </Alert>
          ) : (
            <div>
              <Action color="red" why={why} loading={busy.fetching} onClick={() => setAsking(true)}>
                Import the state
              </Action>
            </div>
          )}
        </Step>
        <Preview stack={stack} done={done} />
        <Unlocking stack={stack} history={history} done={done} again={props.again} />
      </Steps>
      {chosen?.checked && (
        <Confirm
          opened={asking}
          title={`Replace the state of ${stack.name}?`}
          verb="Import"
          dangerous
          busy={busy.fetching}
          onConfirm={() => void go(chosen)}
          onClose={() => setAsking(false)}
        >
          <Text size="sm">
            {history.current
              ? `The current state, serial ${history.current.serial}, is replaced: ${counted(chosen.checked.comparison)}. It stays in the history.`
              : 'The stack has no state yet; this will be its first.'}{' '}
            The infrastructure does not change.
          </Text>
        </Confirm>
      )}
    </Stack>
  )
}

function Facts(props: { checked: Checked; history: History; name: string }) {
  const { checked, history } = props
  const now = history.current
  const rows = [
    ['Serial', checked.serial, now?.serial],
    ['Lineage', checked.lineage, now?.lineage],
    ['Resources', checked.resourceCount ?? '–', now?.resourceCount],
    ['Terraform', checked.terraformVersion ?? '–', now?.terraformVersion],
    ['Size', size(checked.size), now ? size(now.size) : undefined],
  ] as const
  return (
    <Card withBorder>
      {checked.refusal && (
        <Trouble
          title={`${props.name} may not follow the current state`}
          sentence={checked.refusal}
          code={checked.refusalCode ?? undefined}
        />
      )}
      <Table verticalSpacing={4} mt="xs" aria-label="The file and the current state" layout="fixed">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={96}>
              <span>What</span>
            </Table.Th>
            <Table.Th>The file</Table.Th>
            <Table.Th>The current state</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(([what, file, current]) => (
            <Table.Tr key={what}>
              <Table.Th scope="row" fw={400} c="dimmed">
                {what}
              </Table.Th>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{file}</Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{current ?? (now ? '–' : 'none yet')}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  )
}
