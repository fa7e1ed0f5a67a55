import { IconArrowDown, IconArrowUp, IconPlus, IconX } from '@tabler/icons-react'

import { ActionIcon, Button, Group, Stack, Text, Textarea } from '~/ui'

import { moved } from './hooks'

interface Props {
  title: string
  /** For those who listen: "before plan". */
  name: string
  commands: readonly string[]
  onChange: (commands: string[]) => void
}

/** Commands in their order: written, moved, taken away. */
export function CommandList({ title, name, commands, onChange }: Props) {
  const last = commands.length - 1
  return (
    <Stack gap={6} role="group" aria-label={name}>
      <Group justify="space-between">
        <Text size="xs" c="dimmed">
          {title}
          {commands.length === 0 && ': nothing'}
        </Text>
        <Button
          variant="subtle"
          size="compact-xs"
          leftSection={<IconPlus size={13} aria-hidden />}
          aria-label={`Add a command ${name}`}
          onClick={() => onChange([...commands, ''])}
        >
          Add
        </Button>
      </Group>
      {commands.map((command, at) => (
        // The place is what a command is known by: two may be the same.
        // oxlint-disable-next-line react/no-array-index-key
        <Group key={at} gap={4} wrap="nowrap" align="flex-start">
          <Textarea
            flex={1}
            aria-label={`Command ${at + 1} ${name}`}
            value={command}
            onChange={(event) => onChange(commands.with(at, event.currentTarget.value))}
            autosize
            minRows={1}
            maxRows={10}
            size="xs"
            spellCheck={false}
            autoFocus={command === ''}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          />
          {last > 0 && (
            <>
              <ActionIcon
                variant="subtle"
                color="gray"
                size="sm"
                mt={4}
                style={{ visibility: at === 0 ? 'hidden' : 'visible' }}
                aria-label={`Command ${at + 1} ${name}: earlier`}
                onClick={() => onChange(moved(commands, at, -1))}
              >
                <IconArrowUp size={14} />
              </ActionIcon>
              <ActionIcon
                variant="subtle"
                color="gray"
                size="sm"
                mt={4}
                style={{ visibility: at === last ? 'hidden' : 'visible' }}
                aria-label={`Command ${at + 1} ${name}: later`}
                onClick={() => onChange(moved(commands, at, 1))}
              >
                <IconArrowDown size={14} />
              </ActionIcon>
            </>
          )}
          <ActionIcon
            variant="subtle"
            color="red"
            size="sm"
            mt={4}
            aria-label={`Command ${at + 1} ${name}: take away`}
            onClick={() => onChange(commands.toSpliced(at, 1))}
          >
            <IconX size={14} />
          </ActionIcon>
        </Group>
      ))}
    </Stack>
  )
}
