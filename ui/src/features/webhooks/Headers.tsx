import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'

import type { Problem } from '~/graphql/problem'
import { Action, Card, Confirm, Group, PasswordInput, Stack, Table, Text, TextInput, Title, Trouble, VisuallyHidden, warn } from '~/ui'

import { faultOfHeader } from './words'

interface Props {
  names: readonly string[]
  why: string | undefined
  /** Answers what went wrong, or nothing. */
  onSet: (key: string, value: string) => Promise<Problem | undefined>
  onRemove: (key: string) => Promise<Problem | undefined>
}

/** Headers that are sent along with each delivery. Only their names can be read. */
export function Headers({ names, why, onSet, onRemove }: Props) {
  const [leaving, setLeaving] = useState<string>()
  const [busy, setBusy] = useState(false)
  return (
    <Card withBorder>
      <Stack gap="sm">
        <div>
          <Title order={2}>Headers</Title>
          <Text size="sm" c="dimmed">
            Sent along with each delivery, such as a token that the endpoint asks for. Values are kept sealed and
            are not shown to anybody.
          </Text>
        </div>
        {names.length > 0 && (
          <Table aria-label="Headers" verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>
                  <VisuallyHidden>What can be done</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {names.map((name) => (
                <Table.Tr key={name}>
                  <Table.Td>
                    <code>{name}</code>
                  </Table.Td>
                  <Table.Td ta="right">
                    <Action
                      variant="subtle"
                      color="red"
                      size="compact-sm"
                      why={why}
                      aria-label={`Remove ${name}`}
                      onClick={() => setLeaving(name)}
                    >
                      Remove
                    </Action>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
        <NewHeader names={names} why={why} onSet={onSet} />
      </Stack>
      {leaving !== undefined && (
        <Confirm
          opened
          title={`Remove the header ${leaving}?`}
          verb="Remove the header"
          dangerous
          busy={busy}
          onClose={() => setLeaving(undefined)}
          onConfirm={() => {
            setBusy(true)
            void onRemove(leaving).then((problem) => {
              setBusy(false)
              setLeaving(undefined)
              if (problem) warn('The header was not removed', problem)
            })
          }}
        >
          <Text size="sm">Deliveries go without it from now on. Its value cannot be brought back.</Text>
        </Confirm>
      )}
    </Card>
  )
}

function NewHeader({ names, why, onSet }: Omit<Props, 'onRemove'>) {
  const [key, setKey] = useState('')
  const [value, setValue] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const fault = faultOfHeader(key)
  const there = names.some((one) => one.toLowerCase() === key.toLowerCase())
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (why ?? fault) return
        setBusy(true)
        void onSet(key, value).then((found) => {
          setBusy(false)
          setProblem(found)
          if (found) return
          setKey('')
          setValue('')
        })
      }}
    >
      <Group align="flex-start" gap="xs">
        <TextInput
          label="Name"
          placeholder="Authorization"
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
          error={key === '' ? undefined : fault}
          maxLength={128}
          spellCheck={false}
          autoComplete="off"
        />
        <PasswordInput
          label="Value"
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
          maxLength={4096}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ 'aria-label': 'Show the value' }}
          miw={220}
        />
        <Action
          type="submit"
          variant="default"
          mt={25}
          loading={busy}
          why={why ?? fault}
          leftSection={<IconPlus size={16} aria-hidden />}
        >
          {there ? 'Replace header' : 'Add header'}
        </Action>
      </Group>
      {problem && <Trouble title="The header was not set" {...problem} />}
    </form>
  )
}
