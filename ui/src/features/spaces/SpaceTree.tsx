import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { useEffect, useRef, useState, type KeyboardEvent } from 'react'

import { wayTo } from '~/access/spaces'
import { Stack, Text, TextInput } from '~/ui'

import type { Space } from './documents'
import { moveOf, rowsOf, type Row } from './tree'
import classes from './SpaceTree.module.css'

/** As many as are seen without scrolling: so many are all open from the beginning. */
const ALL_OPEN = 40

/** Pixels by which a space stands further in than the one that it hangs on. */
const INDENT = 18

interface Props {
  spaces: readonly Space[]
  chosen: string | undefined
  onChoose: (space: string) => void
}

/**
 * The tree of spaces. Arrows walk through it, open and close; letters go to the next name that
 * begins so; Enter chooses. Only one row is in the way of Tab.
 */
export function SpaceTree({ spaces, chosen, onChoose }: Props) {
  const [turned, setTurned] = useState<ReadonlyMap<string, boolean>>(new Map())
  const [words, setWords] = useState('')
  const [at, setAt] = useState<string>()
  const moved = useRef(false)
  const list = useRef<HTMLUListElement>(null)
  const way = wayTo(spaces, chosen ?? '').map(({ id }) => id)
  const isOpen = (id: string) =>
    turned.get(id) ?? (spaces.length <= ALL_OPEN || id === 'root' || way.includes(id))
  const rows = rowsOf(spaces, isOpen, words)
  const here = [at, chosen].find((id) => rows.some(({ space }) => space.id === id)) ?? rows[0]?.space.id
  const turn = (id: string, open: boolean) => setTurned(new Map(turned).set(id, open))

  useEffect(() => {
    if (!moved.current) return
    moved.current = false
    list.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus()
  })

  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || here === undefined) return
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault()
      onChoose(here)
      return
    }
    const move = moveOf(rows, here, event.key)
    if (!move) return
    event.preventDefault()
    if ('open' in move) turn(move.open, true)
    else if ('close' in move) turn(move.close, false)
    else {
      moved.current = true
      setAt(move.to)
    }
  }

  return (
    <Stack gap="xs">
      {spaces.length > 8 && (
        <TextInput
          type="search"
          aria-label="Find a space"
          placeholder="Find a space"
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
        />
      )}
      {rows.length === 0 && (
        <Text size="sm" c="dimmed">
          No space has these letters.
        </Text>
      )}
      <ul className={classes.tree} role="tree" aria-label="Spaces" ref={list} onKeyDown={press}>
        {rows.map((row) => (
          <Item
            key={row.space.id}
            row={row}
            chosen={row.space.id === chosen}
            here={row.space.id === here}
            onTurn={(open) => turn(row.space.id, open)}
            onChoose={() => {
              setAt(row.space.id)
              onChoose(row.space.id)
            }}
          />
        ))}
      </ul>
    </Stack>
  )
}

function Item(props: {
  row: Row<Space>
  chosen: boolean
  here: boolean
  onTurn: (open: boolean) => void
  onChoose: () => void
}) {
  const { space, level, place, size, open } = props.row
  const Twist = open ? IconChevronDown : IconChevronRight
  return (
    // Keys are heard by the tree, as its pattern has it.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <li
      role="treeitem"
      className={classes.row}
      style={{ paddingLeft: 8 + (level - 1) * INDENT }}
      aria-level={level}
      aria-posinset={place}
      aria-setsize={size}
      aria-selected={props.chosen}
      {...(open === undefined ? {} : { 'aria-expanded': open })}
      tabIndex={props.here ? 0 : -1}
      onClick={props.onChoose}
    >
      {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions */}
      <span
        className={classes.twist}
        aria-hidden
        onClick={(event) => {
          if (open === undefined) return
          event.stopPropagation()
          props.onTurn(!open)
        }}
      >
        {open !== undefined && <Twist size={16} stroke={1.8} />}
      </span>
      <span className={classes.name}>{space.name}</span>
      <Counts space={space} />
    </li>
  )
}

/** How many stacks there are, which is what people look for. */
function Counts({ space }: { space: Space }) {
  const { stacks } = space.holds
  if (stacks === 0) return null
  return (
    <Text component="span" size="xs" c="dimmed">
      {stacks.toLocaleString()} {stacks === 1 ? 'stack' : 'stacks'}
    </Text>
  )
}
