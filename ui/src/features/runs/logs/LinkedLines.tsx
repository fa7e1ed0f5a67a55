import { plain } from '~/lib/ansi'
import { Button, Group, Text, tell, warn } from '~/ui'

import { copyText } from './clipboard'
import classes from './LogView.module.css'
import type { LogText } from './text'

/** What can be done with the lines that the address names. */
export function LinkedLines(props: {
  text: LogText
  lines: { from: number; until: number }
  onClear: () => void
}) {
  const { from, until } = props.lines
  const one = from === until
  return (
    <Group className={classes.linkedBar ?? ''} gap="xs" role="region" aria-label="Chosen lines">
      <Text size="xs" fw={600}>
        {one ? `Line ${from}` : `Lines ${from} to ${until}`}
      </Text>
      {one && (
        <Text size="xs" c="dimmed" visibleFrom="sm">
          Shift and click another line for a range
        </Text>
      )}
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => void copy([...props.text.lines(from - 1, until - 1)].map(plain).join('\n'), 'The lines are')}
      >
        {one ? 'Copy the line' : 'Copy the lines'}
      </Button>
      <Button size="compact-xs" variant="default" onClick={() => void copy(window.location.href, 'The link is')}>
        Copy a link
      </Button>
      <Button size="compact-xs" variant="subtle" onClick={props.onClear}>
        Clear
      </Button>
    </Group>
  )
}

async function copy(text: string, what: string): Promise<void> {
  if (await copyText(text)) tell(`${what} on the clipboard`)
  else warn('Nothing was copied', 'The browser keeps the clipboard closed to this page.')
}
