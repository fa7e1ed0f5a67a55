import { useState } from 'react'
import type { CombinedError } from 'urql'

import { Refused } from '~/graphql/Refused'
import {
  Action,
  Box,
  Button,
  Coming,
  Group,
  Paper,
  SimpleGrid,
  Stack,
  Text,
  Title,
  Trouble,
  tell,
} from '~/ui'

import { lacking, useStack, useStackQuery } from '../here'
import { useSaving } from '../settings/saving'
import { changesOf, inputOf, SettingsQuery } from '../settings/settings'
import { Unsaved } from '../settings/Unsaved'
import { CommandList } from './CommandList'
import { HOOK_NAMES, hooksOf, PHASES, tidied, type HookName, type Hooks } from './hooks'

/** The commands around the phases of every run. */
export function StackHooks() {
  const stack = useStack()
  const { data, error } = useStackQuery(SettingsQuery, { id: stack.id })
  if (error && !data) return <Refused title="The hooks could not be loaded" error={error} />
  if (!data?.stack) return <Coming />
  return <Editing kept={hooksOf(inputOf(data.stack))} />
}

function Editing({ kept }: { kept: Hooks }) {
  const stack = useStack()
  const [edits, setEdits] = useState<Partial<Record<HookName, readonly string[]>>>({})
  const { save, saving } = useSaving(stack.id)
  const [refused, setRefused] = useState<CombinedError | 'gone'>()
  const shown: Hooks = { ...kept, ...edits }
  const wanted = Object.fromEntries(HOOK_NAMES.map((name) => [name, tidied(shown[name])])) as Record<
    HookName,
    string[]
  >
  const changes = changesOf<Hooks>(kept, wanted)
  const changed = HOOK_NAMES.filter((name) => name in changes)
  const why = lacking(stack, 'STACK_UPDATE')
  const submit = async () => {
    const answer = await save(() =>
      Object.fromEntries(changed.map((name) => [name, wanted[name]])),
    )
    setRefused(answer)
    if (answer) return
    setEdits({})
    tell('The hooks are saved', 'The next run performs them.')
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!why && changed.length > 0) void submit()
      }}
    >
      <Stack gap="sm" component="section" aria-labelledby="hooks">
        <Title order={2} id="hooks">
          Hooks
        </Title>
        <Text size="sm" c="dimmed">
          Commands of a shell around each phase, on the worker, with the run&apos;s environment. A command that fails
          ends the run.
        </Text>
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
          {PHASES.map(({ title, before, after }) => (
            <Paper key={title} withBorder p="sm">
              <Title order={3} size="sm" mb="xs">
                {title}
              </Title>
              <Stack gap="sm">
                {before && (
                  <CommandList
                    title="Before"
                    name={`before ${title.toLowerCase()}`}
                    commands={shown[before]}
                    onChange={(commands) => setEdits({ ...edits, [before]: commands })}
                  />
                )}
                <CommandList
                  title="After"
                  name={`after ${title.toLowerCase()}`}
                  commands={shown[after]}
                  onChange={(commands) => setEdits({ ...edits, [after]: commands })}
                />
              </Stack>
            </Paper>
          ))}
        </SimpleGrid>
        {refused === 'gone' ? (
          <Trouble title="The hooks are not saved" sentence="The stack is not there any more." />
        ) : (
          refused && <Refused title="The hooks are not saved" error={refused} />
        )}
      </Stack>
      {changed.length > 0 && (
        <Box pos="sticky" bottom={8} mt="sm" style={{ zIndex: 10 }}>
          <Paper withBorder shadow="md" p="sm" role="region" aria-label="Changes that are not saved">
            <Group justify="space-between" gap="sm">
              <Text size="sm">Hooks not saved: {changed.map(wordsOf).join(', ')}</Text>
              <Group gap="xs">
                <Button variant="default" onClick={() => setEdits({})}>
                  Undo
                </Button>
                <Action type="submit" why={why} loading={saving}>
                  Save hooks
                </Action>
              </Group>
            </Group>
          </Paper>
        </Box>
      )}
      <Unsaved changed={changed.map(wordsOf)} />
    </form>
  )
}

function wordsOf(name: HookName): string {
  const phase = PHASES.find(({ before, after }) => before === name || after === name)
  return `${phase?.before === name ? 'before' : 'after'} ${phase?.title.toLowerCase() ?? ''}`
}
