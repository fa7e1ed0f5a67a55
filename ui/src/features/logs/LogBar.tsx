import {
  IconArrowDown,
  IconArrowUp,
  IconClock,
  IconCopy,
  IconDownload,
  IconSearch,
  IconTextWrap,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'

import { plain } from '~/lib/ansi'
import { size } from '~/lib/bytes'
import { ActionIcon, Group, Loader, Switch, Text, TextInput, Tooltip, tell } from '~/ui'

import type { LogText } from './text'

interface LogBarProps {
  className: string
  text: LogText
  name: string
  said: string
  growing: boolean
  words: string
  onWords: (words: string) => void
  hits: number
  hit: number
  onSeek: (forward: boolean) => void
  following: boolean
  onFollow: (on: boolean) => void
  wrap: boolean
  onWrap: (on: boolean) => void
  times: boolean
  onTimes: (on: boolean) => void
}

/** What can be done with a log: search, follow, wrap, times, copy, download. */
export function LogBar(props: LogBarProps) {
  const { text } = props
  return (
    <Group className={props.className} justify="space-between" gap="xs">
      <Group gap="xs">
        {props.growing && <Loader size={12} aria-hidden />}
        <Text size="xs" c="dimmed" role="status">
          {props.said} · {text.length.toLocaleString()} lines · {size(text.offset)}
        </Text>
      </Group>
      <Group gap={6}>
        <TextInput
          size="xs"
          type="search"
          w={190}
          leftSection={<IconSearch size={14} aria-hidden />}
          placeholder="Search the log"
          aria-label="Search the log"
          value={props.words}
          onChange={(event) => props.onWords(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') props.onSeek(!event.shiftKey)
          }}
        />
        {props.words && (
          <>
            <Text size="xs" c="dimmed" miw={56} ta="center" role="status">
              {props.hits === 0 ? 'no hit' : `${props.hit + 1} of ${props.hits.toLocaleString()}`}
            </Text>
            <Tool label="Previous hit" onClick={() => props.onSeek(false)}>
              <IconArrowUp size={15} />
            </Tool>
            <Tool label="Next hit" onClick={() => props.onSeek(true)}>
              <IconArrowDown size={15} />
            </Tool>
          </>
        )}
        <Switch
          size="xs"
          label="Follow"
          checked={props.following}
          onChange={(event) => props.onFollow(event.currentTarget.checked)}
        />
        <Tool label="Wrap long lines" pressed={props.wrap} onClick={() => props.onWrap(!props.wrap)}>
          <IconTextWrap size={15} />
        </Tool>
        <Tool label="Show times" pressed={props.times} onClick={() => props.onTimes(!props.times)}>
          <IconClock size={15} />
        </Tool>
        <Tool label="Copy the log without colours" onClick={() => void copy(text)}>
          <IconCopy size={15} />
        </Tool>
        <Tool label="Download the log as it was written" onClick={() => save(text, props.name)}>
          <IconDownload size={15} />
        </Tool>
      </Group>
    </Group>
  )
}

function Tool(props: { label: string; pressed?: boolean; onClick: () => void; children: ReactNode }) {
  return (
    <Tooltip label={props.label}>
      <ActionIcon
        size={28}
        variant={props.pressed ? 'light' : 'subtle'}
        color={props.pressed ? 'gantry' : 'gray'}
        aria-label={props.label}
        {...(props.pressed === undefined ? {} : { 'aria-pressed': props.pressed })}
        onClick={props.onClick}
      >
        {props.children}
      </ActionIcon>
    </Tooltip>
  )
}

async function copy(text: LogText): Promise<void> {
  await navigator.clipboard.writeText(text.all().split('\n').map(plain).join('\n'))
  tell('The log is on the clipboard')
}

function save(text: LogText, name: string): void {
  const address = URL.createObjectURL(new Blob([text.all()], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = address
  link.download = `${name}.log`
  link.click()
  URL.revokeObjectURL(address)
}
