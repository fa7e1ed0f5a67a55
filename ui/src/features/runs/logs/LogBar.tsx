import {
  IconArrowDown,
  IconArrowUp,
  IconClock,
  IconCopy,
  IconDownload,
  IconFold,
  IconSearch,
  IconTextWrap,
} from '@tabler/icons-react'
import type { ReactNode, RefObject } from 'react'

import { plain } from '~/lib/ansi'
import { size } from '~/lib/bytes'
import { ActionIcon, Group, Loader, Menu, Text, TextInput, Tooltip, tell, warn } from '~/ui'

import { copyText } from './clipboard'
import type { Fold } from './folds'
import { MOST_HITS } from './search'
import type { LogText } from './text'

interface LogBarProps {
  className: string
  field: RefObject<HTMLInputElement | null>
  text: LogText
  name: string
  said: string
  growing: boolean
  words: string
  onWords: (words: string) => void
  hits: number
  hit: number
  searching: boolean
  onSeek: (forward: boolean) => void
  wrap: boolean
  onWrap: (on: boolean) => void
  times: boolean
  onTimes: (on: boolean) => void
  folds: readonly Fold[]
  folded: ReadonlySet<number>
  onFolded: (folds: readonly Fold[]) => void
}

/** What can be done with a log: search, fold, wrap, times, copy, download. */
export function LogBar({ field, ...props }: LogBarProps) {
  const { text } = props
  return (
    <Group className={props.className} justify="space-between" gap="xs">
      <Group gap="xs">
        {props.growing && <Loader size={12} aria-hidden />}
        <Text size="xs" c="dimmed" role="status">
          {props.said}
        </Text>
        {/* Not announced: it changes all the time. */}
        <Text size="xs" c="dimmed">
          {text.length.toLocaleString()} lines, {size(text.offset)}
        </Text>
      </Group>
      <Group gap={6}>
        <Searching field={field} {...props} />
        <Tool label="Wrap long lines" pressed={props.wrap} onClick={() => props.onWrap(!props.wrap)}>
          <IconTextWrap size={15} />
        </Tool>
        <Tool label="Show times" pressed={props.times} onClick={() => props.onTimes(!props.times)}>
          <IconClock size={15} />
        </Tool>
        <Folding folds={props.folds} folded={props.folded} onFolded={props.onFolded} />
        <Tool label="Copy the log without colours" onClick={() => void copy(text)}>
          <IconCopy size={15} />
        </Tool>
        <Tool label="Download the log with its colours" onClick={() => save(text, props.name)}>
          <IconDownload size={15} />
        </Tool>
      </Group>
    </Group>
  )
}

function Searching({ field, ...props }: LogBarProps) {
  const many = props.hits >= MOST_HITS ? `${MOST_HITS.toLocaleString()} or more` : props.hits.toLocaleString()
  const found = props.hit >= 0 ? `${props.hit + 1} of ${many}` : `${many} ${props.hits === 1 ? 'line' : 'lines'}`
  return (
    <>
      <TextInput
        ref={field}
        size="xs"
        type="search"
        w={{ base: 150, xs: 190 }}
        leftSection={<IconSearch size={14} aria-hidden />}
        placeholder="Search the log"
        aria-label="Search the log"
        title="Enter: next hit. Shift and Enter: previous hit."
        value={props.words}
        onChange={(event) => props.onWords(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') props.onSeek(!event.shiftKey)
          if (event.key === 'Escape') props.onWords('')
        }}
      />
      {props.words && (
        <>
          <Text size="xs" c="dimmed" miw={64} ta="center" role="status">
            {props.hits === 0 ? (props.searching ? 'searching' : 'no hit') : found}
            {props.searching && props.hits > 0 && '…'}
          </Text>
          <Tool label="Previous hit" onClick={() => props.onSeek(false)}>
            <IconArrowUp size={15} />
          </Tool>
          <Tool label="Next hit" onClick={() => props.onSeek(true)}>
            <IconArrowDown size={15} />
          </Tool>
        </>
      )}
    </>
  )
}

const KINDS: { kind: Fold['kind']; words: string }[] = [
  { kind: 'command', words: 'What each command printed' },
  { kind: 'resource', words: 'The plan of each resource' },
  { kind: 'alike', words: 'Long runs of lines alike' },
]

function Folding({ folds, folded, onFolded }: Pick<LogBarProps, 'folds' | 'folded' | 'onFolded'>) {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon
          size={28}
          variant={folded.size > 0 ? 'light' : 'subtle'}
          color={folded.size > 0 ? 'gantry' : 'gray'}
          aria-label="Fold lines"
          title="Fold lines"
        >
          <IconFold size={15} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{folds.length === 0 ? 'There is nothing to fold in this log yet' : 'Fold'}</Menu.Label>
        {KINDS.map(({ kind, words }) => {
          const some = folds.filter((fold) => fold.kind === kind)
          return (
            some.length > 0 && (
              <Menu.Item
                key={kind}
                onClick={() => onFolded([...folds.filter((fold) => folded.has(fold.from)), ...some])}
                rightSection={
                  <Text size="xs" c="dimmed">
                    {some.length.toLocaleString()}
                  </Text>
                }
              >
                {words}
              </Menu.Item>
            )
          )
        })}
        {folded.size > 0 && <Menu.Item onClick={() => onFolded([])}>Unfold everything</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
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
  if (await copyText(text.all().split('\n').map(plain).join('\n'))) tell('The log is on the clipboard')
  else warn('Nothing was copied', 'The browser keeps the clipboard closed to this page. Download the log instead.')
}

function save(text: LogText, name: string): void {
  const address = URL.createObjectURL(new Blob([text.all()], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = address
  link.download = `${name.replaceAll(' ', '-')}.log`
  link.click()
  // The browser reads it after this turn.
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
