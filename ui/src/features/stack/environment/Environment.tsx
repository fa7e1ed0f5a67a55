import { useState } from 'react'
import { Link } from 'react-router'

import { DropElement } from '~/environment/DropElement'
import { ElementTable } from '~/environment/ElementTable'
import { FileForm } from '~/environment/FileForm'
import type { Given } from '~/environment/given'
import { VariableForm } from '~/environment/VariableForm'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Action, Anchor, Coming, Empty, Group, Stack, Switch, Text, TextInput, Title } from '~/ui'

import { lacking, useStack, useStackQuery } from '../here'
import { EnvironmentQuery, givenOf, useStackOwner, ValuesQuery } from './elements'
import { StackContexts } from './StackContexts'
import { StackHooks } from './StackHooks'

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
  const owner = useStackOwner(stack.id)
  if (error && !data) return <Refused title="The environment could not be loaded" error={error} />
  if (!data) return <Coming height={400} />

  const all = (data.stack?.runtimeConfig ?? []).map(givenOf)
  const fits = (given: Given) => given.element.id.toLowerCase().includes(words.trim().toLowerCase())
  const variables = all.filter(({ element }) => element.type === 'ENVIRONMENT_VARIABLE')
  const mounted = all.filter(({ element }) => element.type === 'FILE_MOUNT')
  const files = mounted.filter(({ element }) => computed || !element.runtime)
  const given = variables.filter(({ element }) => !element.runtime)
  const why = lacking(stack, 'STACK_ADD_CONFIG')
  const close = () => setAsked(undefined)
  const taken = all.filter((one) => one.own).map(({ element }) => element.id)
  const table = {
    sources: true,
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
          Names that begin with TF_VAR_ are inputs of the code. What the stack has itself counts before what its
          contexts give. The next run takes what stands here then; runs under way keep what they began with.
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

      <StackContexts contexts={data.stack?.attachedContexts ?? []} />

      <StackHooks />

      <Text size="sm" c="dimmed">
        Which tool, version and workers run it is in the{' '}
        <Anchor component={Link} to={to.stackTab(stack.id, 'settings')} size="sm" underline="always">
          settings
        </Anchor>
        .
      </Text>

      {asked?.what === 'variable' && (
        <VariableForm owner={owner} given={asked.given} taken={taken} onClose={close} />
      )}
      {asked?.what === 'file' && <FileForm owner={owner} given={asked.given} taken={taken} onClose={close} />}
      {asked?.what === 'drop' && asked.given && <DropElement owner={owner} given={asked.given} onClose={close} />}
    </Stack>
  )
}

/** The values of the variables, by where they come from; asked for only when they are shown. */
function useValues(id: string, wanted: boolean): (given: Given) => string | undefined {
  const { data } = useStackQuery(ValuesQuery, { id }, { pause: !wanted })
  const stack = wanted ? data?.stack : undefined
  return (given) => {
    if (!given.context && !given.own) return undefined
    const from = given.context
      ? stack?.attachedContexts.find((one) => one.contextId === given.context?.id)?.config
      : stack?.config
    return from?.find((element) => element.id === given.element.id)?.value ?? undefined
  }
}
