import { Box, Button, Code } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useRef } from 'react'

/** A text to be taken along as it is. */
export function Copyable({ text, label }: { text: string; label: string }) {
  const { copy, copied, error } = useClipboard()
  const shown = useRef<HTMLPreElement>(null)
  const select = () => {
    // Browsers give their clipboard to https and localhost only; elsewhere the keys have to do.
    if (shown.current && !window.isSecureContext) window.getSelection()?.selectAllChildren(shown.current)
    copy(text)
  }
  const words = error ? 'Selected: press Ctrl C' : 'Copy'
  return (
    <Box pos="relative">
      <Button
        size="compact-xs"
        variant="default"
        pos="absolute"
        top={8}
        right={8}
        leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
        onClick={select}
        aria-live="polite"
      >
        {copied ? 'Copied' : words}
      </Button>
      <Code
        block
        ref={shown}
        tabIndex={0}
        role="region"
        aria-label={label}
        pt={40}
        mah={480}
        style={{ overflow: 'auto' }}
      >
        {text}
      </Code>
    </Box>
  )
}
