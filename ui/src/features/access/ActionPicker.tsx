import { useState } from 'react'

import { brings, bySubject, levelAmong, PRESETS, verbOf, type ActionName, type Meaning } from '~/access/actions'
import { Button, Checkbox, Empty, Group, Stack, Text, TextInput } from '~/ui'

import classes from './ActionPicker.module.css'

interface Props {
  meanings: readonly Meaning[]
  chosen: ReadonlySet<ActionName>
  onChange: (chosen: ReadonlySet<ActionName>) => void
}

/**
 * Composes a role of single actions, by what they are done to. What a chosen level brings along is
 * ticked already, and says so.
 */
export function ActionPicker({ meanings, chosen, onChange }: Props) {
  const [words, setWords] = useState('')
  const groups = bySubject(meanings, words)
  const level = levelAmong(chosen)
  const along = meanings.filter((one) => !chosen.has(one.action) && brings(level, one)).length
  return (
    <Stack gap="sm">
      <Group gap="xs">
        <Text size="sm">Begin with</Text>
        {PRESETS.map(({ label, actions }) => (
          <Button key={label} variant="default" size="xs" onClick={() => onChange(new Set(actions))}>
            {label}
          </Button>
        ))}
        <Button variant="subtle" size="xs" onClick={() => onChange(new Set())}>
          Nothing
        </Button>
        <TextInput
          type="search"
          aria-label="Find an action"
          placeholder="Find an action"
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
          w={{ base: '100%', xs: 240 }}
          ml={{ base: 0, sm: 'auto' }}
        />
      </Group>
      <Text size="sm" c="dimmed" role="status">
        {chosen.size === 0 ? 'No action is chosen yet.' : `${counted(chosen.size)} chosen`}
        {along > 0 && `, and ${counted(along)} more that ${level} brings along`}
        {chosen.size > 0 && '.'}
      </Text>
      {groups.length === 0 && <Empty title="No action has these words" />}
      {groups.map(([subject, actions]) => (
        <Subject
          key={subject}
          subject={subject}
          actions={actions}
          searched={words.trim() !== ''}
          level={level}
          chosen={chosen}
          onChange={onChange}
        />
      ))}
    </Stack>
  )
}

function counted(count: number): string {
  return `${count} ${count === 1 ? 'action' : 'actions'}`
}

function Subject(props: {
  subject: string
  actions: readonly Meaning[]
  searched: boolean
  level: ActionName | undefined
  chosen: ReadonlySet<ActionName>
  onChange: (chosen: ReadonlySet<ActionName>) => void
}) {
  const { subject, actions, chosen, level } = props
  // Open from the beginning where something is chosen; what somebody opens or closes stays so.
  const [open, setOpen] = useState(subject === 'Space' || actions.some((one) => chosen.has(one.action)))
  const has = actions.filter((one) => chosen.has(one.action) || brings(level, one)).length
  const turn = (some: readonly Meaning[], on: boolean) => {
    const next = new Set(chosen)
    for (const { action } of some) {
      if (on) next.add(action)
      else next.delete(action)
    }
    props.onChange(next)
  }
  const free = actions.filter((one) => !brings(level, one) || chosen.has(one.action))
  const all = free.length > 0 && free.every((one) => chosen.has(one.action))
  return (
    <details
      className={classes.group}
      open={open || props.searched}
      onToggle={(event) => {
        if (!props.searched) setOpen(event.currentTarget.open)
      }}
    >
      <summary>
        <Text component="span" fw={600}>
          {subject}
        </Text>
        <Text component="span" size="sm" c="dimmed">
          {has} of {actions.length}
        </Text>
      </summary>
      <fieldset className={classes.actions} style={{ border: 0, margin: 0, minWidth: 0 }} aria-label={subject}>
        {free.length > 1 && (
          <Checkbox
            label={`All of ${subject}`}
            checked={all}
            indeterminate={!all && free.some((one) => chosen.has(one.action))}
            onChange={(event) => turn(free, event.currentTarget.checked)}
            style={{ gridColumn: '1 / -1' }}
          />
        )}
        {actions.map((one) => {
          const brought = brings(level, one) && !chosen.has(one.action)
          return (
            <Checkbox
              key={one.action}
              label={capital(verbOf(one))}
              description={brought ? `${one.sentence} ${level} brings it along.` : one.sentence}
              checked={brought || chosen.has(one.action)}
              disabled={brought}
              onChange={(event) => turn([one], event.currentTarget.checked)}
              title={one.action}
            />
          )
        })}
      </fieldset>
    </details>
  )
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
