import { IconColumns, IconSearch } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'

import { ActionIcon, Kbd, Menu, MenuCheck, TextInput, useDebouncedValue, useHotkeys } from '~/ui'

import type { Column } from './types'

/** Searches while one types. `/` leads here from anywhere on the page. */
export function SearchField(props: { hint: string; text: string; onSearch: (text: string) => void }) {
  const [text, setText] = useState(props.text)
  const [settled] = useDebouncedValue(text, 250)
  const field = useRef<HTMLInputElement>(null)
  const { onSearch } = props
  useHotkeys([['/', () => field.current?.focus()]])
  useEffect(() => {
    if (settled !== props.text) onSearch(settled)
    // Only what was typed starts a search; what the address says comes in by the next effect.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [settled])
  useEffect(() => setText(props.text), [props.text])
  return (
    <TextInput
      ref={field}
      type="search"
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={text === '' && <Kbd size="xs">/</Kbd>}
      placeholder={props.hint}
      aria-label={props.hint}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      w={{ base: '100%', xs: 300 }}
    />
  )
}

/** Which columns are shown; the first always is. */
export function ColumnMenu<Row>(props: {
  columns: readonly Column<Row>[]
  shown: readonly string[]
  onChange: (columns: string[] | undefined) => void
}) {
  const { columns, shown } = props
  return (
    <Menu closeOnItemClick={false} position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size={30} aria-label="Columns" title="Columns">
          <IconColumns size={16} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {columns.map((column, n) => (
          <MenuCheck
            key={column.key}
            checked={shown.includes(column.key)}
            why={n === 0 ? 'It names the rows, and is always shown.' : undefined}
            onChange={() =>
              props.onChange(
                columns
                  .map((one) => one.key)
                  .filter((key) => shown.includes(key) !== (key === column.key)),
              )
            }
          >
            {column.title}
          </MenuCheck>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => props.onChange(undefined)}>The usual ones</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
