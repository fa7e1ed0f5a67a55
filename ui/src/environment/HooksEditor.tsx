import { useState } from 'react'
import type { CombinedError } from 'urql'

import { Refused } from '~/graphql/Refused'
import { Unsaved } from '~/layout/Unsaved'
import { changesOf } from '~/lib/changes'
import { Action, Box, Button, Group, Paper, SimpleGrid, Stack, Text, Title, Trouble, tell } from '~/ui'

import { CommandList } from './CommandList'
import { HOOK_NAMES, PHASES, tidied, wordsOf, type HookName, type Hooks } from './hooks'

interface Props {
  kept: Hooks
  /** What else there is to know about these. */
  note?: string
  /** Why they cannot be saved. */
  why: string | undefined
  /** Saves those that were changed; the refusal, if there is one. */
  save: (changed: Partial<Record<HookName, string[]>>) => Promise<CombinedError | 'gone' | undefined>
}

/** The commands around the phases of every run, edited together and saved by one button. */
export function HooksEditor({ kept, note, why, save }: Props) {
  const [saving, setSaving] = useState(false)
  const [edits, setEdits] = useState<Partial<Record<HookName, readonly string[]>>>({})
  const [refused, setRefused] = useState<CombinedError | 'gone'>()
  const shown: Hooks = { ...kept, ...edits }
  const wanted = Object.fromEntries(HOOK_NAMES.map((name) => [name, tidied(shown[name])])) as Record<
    HookName,
    string[]
  >
  const changes = changesOf<Hooks>(kept, wanted)
  const changed = HOOK_NAMES.filter((name) => name in changes)
  const submit = async () => {
    setSaving(true)
    const answer = await save(Object.fromEntries(changed.map((name) => [name, wanted[name]])))
    setSaving(false)
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
          ends the run.{note && ` ${note}`}
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
          <Trouble title="The hooks are not saved" sentence="What they belong to is not there any more." />
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
