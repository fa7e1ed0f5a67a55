import { useState } from 'react'
import { useNavigate } from 'react-router'

import type { Problem } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { wordOf } from '~/runs/RunState'
import { Action, Alert, Button, Group, Modal, Stack, Text, Textarea, Trouble, When, tell } from '~/ui'

import { choiceOf, labelOf, whyNot, WORDS, type Run, type Verb } from './decisions'
import { useDecide } from './useDecide'

/** The decisions that keep what is said about them. */
const NOTED: ReadonlySet<Verb> = new Set(['confirm', 'discard', 'cancel', 'stop', 'kill', 'approve', 'reject'])

interface AskProps {
  stack: string
  run: Run
  verb: Verb
  onClose: () => void
  /** What was refused was asked for something that is not so any more. */
  onRefused: () => void
}

/**
 * Says what a decision does, and asks. If somebody else decides meanwhile, that is shown here and
 * not only behind; if the server refuses, its sentence is.
 */
export function AskDecision({ stack, run, verb, onClose, onRefused }: AskProps) {
  const words = WORDS[verb]
  const [note, setNote] = useState('')
  const [opened] = useState(run.history[0]?.stateVersion)
  const [busy, setBusy] = useState(false)
  const [refused, setRefused] = useState<Problem>()
  const decide = useDecide(stack, run)
  const go = useNavigate()
  const newest = run.history[0]
  const why = whyNot(choiceOf(verb, run))

  const act = async () => {
    setBusy(true)
    setRefused(undefined)
    const { problem, run: started } = await decide(verb, note.trim() || null)
    setBusy(false)
    if (problem) {
      setRefused(problem)
      onRefused()
      return
    }
    onClose()
    tell(words.done)
    if (started) void go(to.run(stack, started))
  }

  return (
    <Modal opened onClose={onClose} title={words.title} centered>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!busy && !why) void act()
        }}
      >
        <Stack gap="md">
          <Text size="sm">{words.what(run)}</Text>
          {newest && newest.stateVersion !== opened && !busy && (
            <Alert color="yellow" title={`Meanwhile the run is ${wordOf(newest.state)}`} role="status">
              <Text size="sm">
                {newest.username ?? 'Gantry'}, <When at={newest.timestamp} />
                {newest.note && `: ${newest.note}`}
              </Text>
            </Alert>
          )}
          {NOTED.has(verb) && (
            <Textarea
              label="Note"
              description="Kept in the run's history, for everybody who looks at it"
              value={note}
              onChange={(event) => setNote(event.currentTarget.value)}
              autosize
              minRows={2}
              maxRows={8}
            />
          )}
          {refused && (
            <Trouble title="The server refused" {...refused} />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Back
            </Button>
            <Action
              type="submit"
              loading={busy}
              why={why}
              {...(words.red ? { color: 'red' } : {})}
              data-autofocus={!NOTED.has(verb)}
            >
              {labelOf(verb, run)}
            </Action>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
