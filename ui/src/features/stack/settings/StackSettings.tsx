import { useState } from 'react'
import type { CombinedError } from 'urql'

import { Refused } from '~/graphql/Refused'
import { problemOf } from '~/graphql/problem'
import { Unsaved } from '~/layout/Unsaved'
import { Action, Box, Button, Coming, Group, Paper, Stack, Text, Trouble, tell } from '~/ui'

import { lacking, useStack, useStackQuery } from '../here'
import { Behaviour } from './Behaviour'
import { faultsSaid, nameOf, type Field, type Faults } from './faults'
import { useForm } from './form'
import { Identity } from './Identity'
import { useSaving } from './saving'
import { inputOf, SettingsQuery, type Kept } from './settings'
import { Source } from './Source'
import { Tool } from './Tool'

/** Everything that can be set about the stack. */
export default function StackSettings() {
  const stack = useStack()
  const { data, error } = useStackQuery(SettingsQuery, { id: stack.id })
  if (error && !data) return <Refused title="The settings could not be loaded" error={error} />
  if (!data?.stack) return <Coming height={480} />
  return <Editing kept={data.stack} />
}

function Editing({ kept }: { kept: Kept }) {
  const stack = useStack()
  const form = useForm(inputOf(kept))
  const { save, saving } = useSaving(stack.id)
  const [refused, setRefused] = useState<CombinedError>()
  const [gone, setGone] = useState(false)
  const fields = Object.keys(form.changes) as Field[]
  const changed = fields.map(nameOf)
  const said: Faults = refused ? faultsSaid(problemOf(refused).sentence) : {}
  const shown = { ...form, faults: { ...said, ...form.faults } }
  const faulty = (Object.keys(form.faults) as Field[]).map(nameOf)
  const why =
    lacking(stack, 'STACK_UPDATE') ??
    (faulty.length > 0 ? `Mend this first: ${faulty.join(', ')}.` : undefined)
  const submit = async () => {
    const answer = await save(() => form.changes)
    setGone(answer === 'gone')
    setRefused(answer === 'gone' ? undefined : answer)
    if (answer) return
    form.reset()
    tell('The settings are saved', 'The next run follows them.')
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!why && changed.length > 0) void submit()
      }}
    >
      <Stack gap="xl" maw={820} pb={90}>
        <Identity form={shown} />
        <Source form={shown} />
        <Tool form={shown} managesState={kept.managesStateFile} />
        <Behaviour form={shown} />
        {refused && <Refused title="The settings are not saved" error={refused} />}
        {gone && <Trouble title="The settings are not saved" sentence="The stack is not there any more." />}
      </Stack>
      {changed.length > 0 && (
        <Box pos="sticky" bottom={8} style={{ zIndex: 10 }} maw={820}>
          <Paper withBorder shadow="md" p="sm" role="region" aria-label="Changes that are not saved">
            <Group justify="space-between" gap="sm">
              <Text size="sm" flex="1 1 200px">
                Not saved: {changed.join(', ')}
              </Text>
              <Group gap="xs">
                <Button
                  variant="default"
                  onClick={() => {
                    form.reset()
                    setRefused(undefined)
                  }}
                >
                  Undo
                </Button>
                <Action type="submit" why={why} loading={saving}>
                  Save
                </Action>
              </Group>
            </Group>
          </Paper>
        </Box>
      )}
      <Unsaved changed={changed} />
    </form>
  )
}
