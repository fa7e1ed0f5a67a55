import { IconChevronDown } from '@tabler/icons-react'
import { useState } from 'react'

import { exact } from '~/lib/time'
import { Button, Popover, Stack, TextInput } from '~/ui'

import { fieldOf, secondsOf, SPANS, type Span } from './span'

/** Narrows the list to a span of time: the last so many hours, or from and until. */
export function SpanMenu({ span, onChange }: { span: Span; onChange: (span: Span) => void }) {
  const [opened, setOpened] = useState(false)
  const chosen = span.from !== undefined || span.until !== undefined
  const go = (next: Span) => {
    onChange(next)
    setOpened(false)
  }
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" trapFocus returnFocus shadow="md">
      <Popover.Target>
        <Button
          variant={chosen ? 'light' : 'default'}
          size="xs"
          rightSection={<IconChevronDown size={14} aria-hidden />}
          onClick={() => setOpened(!opened)}
        >
          Time
        </Button>
      </Popover.Target>
      <Popover.Dropdown p="xs" miw={240} aria-label="Filter by time">
        {opened && (
          <Stack gap={4}>
            {SPANS.map(({ label, seconds }) => (
              <Button
                key={label}
                variant="subtle"
                size="xs"
                justify="flex-start"
                // A link to the list shows the same entries tomorrow: what is meant is a time, not a distance.
                onClick={() => go({ from: Math.floor(Date.now() / 1000) - seconds })}
              >
                {label}
              </Button>
            ))}
            <TextInput
              type="datetime-local"
              size="xs"
              label="From"
              value={fieldOf(span.from)}
              onChange={(event) => onChange({ ...span, from: secondsOf(event.currentTarget.value) })}
            />
            <TextInput
              type="datetime-local"
              size="xs"
              label="Until"
              value={fieldOf(span.until)}
              onChange={(event) => onChange({ ...span, until: secondsOf(event.currentTarget.value) })}
            />
            {chosen && (
              <Button variant="subtle" size="xs" onClick={() => go({})}>
                Any time
              </Button>
            )}
          </Stack>
        )}
      </Popover.Dropdown>
    </Popover>
  )
}

/** The span in words, for the list of filters in use. */
export function spanWords({ from, until }: Span): string {
  if (from !== undefined && until !== undefined) return `${exact(from)} to ${exact(until)}`
  if (from !== undefined) return `since ${exact(from)}`
  return until === undefined ? 'any time' : `before ${exact(until)}`
}
