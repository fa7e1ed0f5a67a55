import { useState } from 'react'

import { DropElement } from '~/environment/DropElement'
import { ElementTable } from '~/environment/ElementTable'
import { FileForm } from '~/environment/FileForm'
import type { Given } from '~/environment/given'
import { VariableForm } from '~/environment/VariableForm'
import { useAccountQuery } from '~/graphql/following'
import { Action, Empty, Group, Stack, Switch, Text, Title } from '~/ui'

import { HELD, useContextOwner, ValuesQuery, type Context } from './documents'

type Asked = { what: 'variable' | 'file' | 'drop'; given?: Given }

/** The variables and files of a context. */
export function ContextElements({ context, why }: { context: Context; why: string | undefined }) {
  const owner = useContextOwner(context.id)
  const [values, setValues] = useState(false)
  const [asked, setAsked] = useState<Asked>()
  const [{ data }] = useAccountQuery({ query: ValuesQuery, variables: { id: context.id }, pause: !values, context: HELD })
  const all = context.config.map((element): Given => ({
    element,
    source: 'this context',
    own: !why,
    insteadOf: [],
  }))
  const variables = all.filter(({ element }) => element.type === 'ENVIRONMENT_VARIABLE')
  const files = all.filter(({ element }) => element.type === 'FILE_MOUNT')
  const taken = all.map(({ element }) => element.id)
  const close = () => setAsked(undefined)
  const table = {
    sources: false,
    shown: values,
    values: ({ element }: Given) =>
      data?.context?.config.find((one) => one.id === element.id && one.type === element.type)?.value ?? undefined,
    onEdit: (what: Given) =>
      setAsked({ what: what.element.type === 'FILE_MOUNT' ? 'file' : 'variable', given: what }),
    onDrop: (what: Given) => setAsked({ what: 'drop', given: what }),
  }
  return (
    <>
      <Stack gap="sm" component="section" aria-labelledby="variables">
        <Group justify="space-between">
          <Title order={2} id="variables">
            Variables
          </Title>
          <Group gap="sm">
            <Switch label="Values" checked={values} onChange={(event) => setValues(event.currentTarget.checked)} />
            <Action why={why} onClick={() => setAsked({ what: 'variable' })}>
              Add variable
            </Action>
          </Group>
        </Group>
        <Text size="sm" c="dimmed">
          A variable that the stack has itself counts before one of a context; of several contexts, the one with the
          lowest priority number counts.
        </Text>
        {variables.length === 0 ? (
          <Empty title="No variable yet">
            Credentials and inputs that several stacks share stand here. Secret ones are never shown again.
          </Empty>
        ) : (
          <ElementTable name="Variables" elements={variables} {...table} />
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
            Files lie beside the code under <code>/mnt/workspace</code> before a run begins.
          </Empty>
        ) : (
          <ElementTable name="Mounted files" elements={files} {...table} />
        )}
      </Stack>
      {asked?.what === 'variable' && (
        <VariableForm owner={owner} given={asked.given} taken={taken} onClose={close} />
      )}
      {asked?.what === 'file' && <FileForm owner={owner} given={asked.given} taken={taken} onClose={close} />}
      {asked?.what === 'drop' && asked.given && <DropElement owner={owner} given={asked.given} onClose={close} />}
    </>
  )
}
