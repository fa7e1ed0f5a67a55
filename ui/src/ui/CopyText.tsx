import { ActionIcon, Code, Group, Text, TextInput, Tooltip } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useRef, type RefObject } from 'react'

/** A text of one line that is there to be copied: an id, a secret, a token. */
export function CopyText({ label, value }: { label: string; value: string }) {
  return (
    <TextInput
      label={label}
      value={value}
      readOnly
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      onFocus={(event) => event.currentTarget.select()}
      rightSection={<Copy what={label} value={value} />}
    />
  )
}

/** Lines that are there to be copied: a command, a file. */
export function CopyBlock({ label, text }: { label: string; text: string }) {
  const shown = useRef<HTMLPreElement>(null)
  return (
    <div>
      <Group justify="space-between" mb={4}>
        <Text size="sm" fw={500}>
          {label}
        </Text>
        <Copy what={label} value={text} shown={shown} />
      </Group>
      <Code block ref={shown} tabIndex={0} role="region" aria-label={label} mah={480} style={LINES}>
        {text}
      </Code>
    </div>
  )
}

const LINES = { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', overflow: 'auto' } as const

function Copy(props: { what: string; value: string; shown?: RefObject<HTMLElement | null> }) {
  const { copy, copied, error } = useClipboard()
  const take = () => {
    // Browsers give their clipboard to https and localhost only; elsewhere the keys have to do.
    const shown = props.shown?.current
    if (shown && !window.isSecureContext) window.getSelection()?.selectAllChildren(shown)
    copy(props.value)
  }
  const words = error ? 'Selected: press Ctrl C' : 'Copy'
  return (
    <Tooltip label={copied ? 'Copied' : words}>
      <ActionIcon
        variant="subtle"
        color={copied ? 'green' : 'gray'}
        onClick={take}
        aria-label={copied ? `${props.what}: copied` : `${words}: ${props.what}`}
      >
        {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
      </ActionIcon>
    </Tooltip>
  )
}
