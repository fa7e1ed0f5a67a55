import { useState } from 'react'
import { Link } from 'react-router'
import { useMutation, useQuery, type CombinedError } from 'urql'

import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Action, Anchor, Coming, Confirm, Empty, Group, Stack, Switch, Text, TextInput, Title, tell } from '~/ui'

import { lacking, useStack, useStackQuery } from '../here'
import { DropElement, EnvironmentQuery, ValuesQuery, type Given } from './elements'
import { ElementTable } from './ElementTable'
import { FileForm } from './FileForm'
import { StackHooks } from './StackHooks'
import { VariableForm } from './VariableForm'

type Asked = { what: 'variable' | 'file' | 'drop'; given?: Given }

/** What every run is given: variables, mounted files, and commands around its phases. */
export default function Environment() {
  const stack = useStack()
  const { data, error } = useStackQuery(EnvironmentQuery, { id: stack.id })
  const [words, setWords] = useState('')
  const [values, setValues] = useState(false)
  const [computed, setComputed] = useState(false)
  const [asked, setAsked] = useState<Asked>()
  const known = useValues(stack.id, values)
  if (error && !data) return <Refused title="The environment could not be loaded" error={error} />
  if (!data) return <Coming height={400} />

  const all = data.stack?.runtimeConfig ?? []
  const fits = (given: Given) => given.element.id.toLowerCase().includes(words.trim().toLowerCase())
  const variables = all.filter(({ element }) => element.type === 'ENVIRONMENT_VARIABLE')
  const files = all.filter(({ element }) => element.type === 'FILE_MOUNT')
  const given = variables.filter(({ element }) => !element.runtime)
  const why = lacking(stack, 'STACK_ADD_CONFIG')
  const close = () => setAsked(undefined)
  const table = {
    values: known,
    onEdit: (what: Given) =>
      setAsked({ what: what.element.type === 'FILE_MOUNT' ? 'file' : 'variable', given: what }),
    onDrop: (what: Given) => setAsked({ what: 'drop', given: what }),
  }
  return (
    <Stack gap="xl">
      <Stack gap="sm" component="section" aria-labelledby="variables">
        <Group justify="space-between">
          <Title order={2} id="variables">
            Variables
          </Title>
          <Group gap="sm">
            <TextInput
              type="search"
              placeholder="Name"
              aria-label="Names of variables and files"
              value={words}
              onChange={(event) => setWords(event.currentTarget.value)}
              w={160}
            />
            <Switch
              label="Values"
              checked={values}
              onChange={(event) => setValues(event.currentTarget.checked)}
            />
            <Switch
              label="Computed"
              checked={computed}
              onChange={(event) => setComputed(event.currentTarget.checked)}
            />
            <Action why={why} onClick={() => setAsked({ what: 'variable' })}>
              Add variable
            </Action>
          </Group>
        </Group>
        <Text size="sm" c="dimmed">
          Names that begin with TF_VAR_ are inputs of the code. The next run takes what stands here then; runs
          under way keep what they began with.
        </Text>
        {given.length === 0 && !computed ? (
          <Empty title="No variable yet">
            Credentials, inputs and switches of the code stand here. Secret ones are never shown again.
          </Empty>
        ) : (
          <ElementTable
            name="Variables"
            elements={(computed ? variables : given).filter(fits)}
            shown={values}
            {...table}
          />
        )}
      </Stack>

      <Stack gap="sm" component="section" aria-labelledby="files">
        <Group justify="space-between">
          <Title order={2} id="files">
            Mounted files
          </Title>
          <Action why={why} onClick={() => setAsked({ what: 'file' })}>
            Add file
          </Action>
        </Group>
        {files.length === 0 ? (
          <Empty title="No mounted file">
            Files lie beside the code under <code>/mnt/workspace</code> before the run begins: certificates,
            settings of the tool, anything that is no variable.
          </Empty>
        ) : (
          <ElementTable name="Mounted files" elements={files.filter(fits)} shown={false} {...table} />
        )}
      </Stack>

      <StackHooks />

      <Text size="sm" c="dimmed">
        Which tool, version and workers run it is in the{' '}
        <Anchor component={Link} to={to.stackTab(stack.id, 'settings')} size="sm" underline="always">
          settings
        </Anchor>
        .
      </Text>

      {asked?.what === 'variable' && <VariableForm given={asked.given} taken={all} onClose={close} />}
      {asked?.what === 'file' && <FileForm given={asked.given} taken={all} onClose={close} />}
      {asked?.what === 'drop' && asked.given && <Drop given={asked.given} onClose={close} />}
    </Stack>
  )
}

/** The values of the variables, by where they come from; asked for only when they are shown. */
function useValues(id: string, wanted: boolean): (given: Given) => string | undefined {
  const [{ data }] = useQuery({ query: ValuesQuery, variables: { id }, pause: !wanted })
  const stack = wanted ? data?.stack : undefined
  return (given) => {
    const from = given.context
      ? stack?.attachedContexts.find((one) => one.contextId === given.context?.contextId)?.config
      : stack?.config
    return from?.find((element) => element.id === given.element.id)?.value ?? undefined
  }
}

function Drop({ given, onClose }: { given: Given; onClose: () => void }) {
  const stack = useStack()
  const [{ fetching }, drop] = useMutation(DropElement)
  const [error, setError] = useState<CombinedError>()
  const { id, writeOnly } = given.element
  return (
    <Confirm
      opened
      title={`Delete ${id}?`}
      verb="Delete"
      dangerous
      busy={fetching}
      onClose={onClose}
      onConfirm={() =>
        void drop({ stack: stack.id, id }).then((result) => {
          setError(result.error)
          if (result.error) return
          onClose()
          tell(`${id} is deleted`, 'The next run goes without it.')
        })
      }
    >
      <Stack gap="sm">
        <Text size="sm">
          The next run goes without it.{' '}
          {writeOnly ? 'Its value is secret, and nobody can read it back from here.' : 'Its value is gone.'}
        </Text>
        {error && <Refused title="It was not deleted" error={error} />}
      </Stack>
    </Confirm>
  )
}

