import { IconArrowDown, IconArrowUp, IconColumns, IconFilter, IconSearch } from '@tabler/icons-react'
import { useEffect, useState, type ReactNode } from 'react'

import {
  ActionIcon,
  Badge,
  Box,
  Button,
  Checkbox,
  Coming,
  Group,
  Menu,
  Stack,
  Table,
  Text,
  TextInput,
  UnstyledButton,
  useDebouncedValue,
} from '~/ui'

import classes from './Listing.module.css'
import { toggled, type useView } from './view'

export interface Column<Row> {
  key: string
  title: string
  cell: (row: Row) => ReactNode
  /** The field by which the server orders, if it can. */
  order?: string
  /** Numbers stand under one another. */
  number?: true
  /** Not shown until asked for. */
  extra?: true
}

export interface Filter {
  field: string
  title: string
  values: readonly { value: string; label: string; count?: number | undefined }[]
}

interface ListingProps<Row> {
  /** What the rows are, for those who listen: "Stacks". */
  name: string
  /** What to search for, in the empty field; a list without it cannot be searched. */
  hint?: string
  columns: readonly Column<Row>[]
  filters?: readonly Filter[]
  rows: readonly Row[] | undefined
  keyOf: (row: Row) => string
  /** What a row is called, for its checkbox. */
  nameOf: (row: Row) => string
  looking: ReturnType<typeof useView>
  page: { endCursor: string; hasNextPage: boolean } | undefined
  /** What stands there when nothing is found. */
  empty: ReactNode
  /** What can be done with several rows at once. */
  bulk?: (chosen: readonly Row[], clear: () => void) => ReactNode
  aside?: ReactNode
}

/** Every list: search, filters, order, columns, pages, choosing several. All views are addresses. */
export function Listing<Row>(props: ListingProps<Row>) {
  const { view, change } = props.looking
  const [chosen, setChosen] = useState<ReadonlyMap<string, Row>>(new Map())
  const usual = props.columns.filter((column) => !column.extra).map((column) => column.key)
  const shown = props.columns.filter((column) => (view.columns ?? usual).includes(column.key))
  const rows = props.rows ?? []
  const all = rows.length > 0 && rows.every((row) => chosen.has(props.keyOf(row)))

  const choose = (some: readonly Row[], on: boolean) => {
    const next = new Map(chosen)
    for (const row of some) {
      if (on) next.set(props.keyOf(row), row)
      else next.delete(props.keyOf(row))
    }
    setChosen(next)
  }

  return (
    <Stack gap="sm">
      <Group gap="xs" wrap="wrap">
        {props.hint !== undefined && (
          <SearchField
            hint={props.hint}
            text={view.text}
            onSearch={(text) => change({ text }, { replace: true })}
          />
        )}
        {props.filters?.map((filter) => (
          <FilterMenu
            key={filter.field}
            filter={filter}
            chosen={view.filters[filter.field] ?? []}
            onToggle={(value) => change({ filters: toggled(view, filter.field, value) })}
          />
        ))}
        <ColumnMenu
          columns={props.columns}
          shown={shown.map((column) => column.key)}
          onChange={(columns) => change({ columns })}
        />
        <Box ml="auto">{props.aside}</Box>
      </Group>

      {props.bulk && chosen.size > 0 && (
        <Group className={classes.bulk ?? ''} role="region" aria-label="With the chosen ones">
          <Text size="sm" fw={600}>
            {chosen.size} chosen
          </Text>
          {props.bulk([...chosen.values()], () => setChosen(new Map()))}
          <Button variant="subtle" size="compact-sm" onClick={() => setChosen(new Map())}>
            Choose none
          </Button>
        </Group>
      )}

      {props.rows === undefined ? (
        <Coming height={400} />
      ) : rows.length === 0 ? (
        props.empty
      ) : (
        <Table.ScrollContainer minWidth={640} type="native">
          <Table highlightOnHover verticalSpacing={6} aria-label={props.name}>
            <Table.Thead>
              <Table.Tr>
                {props.bulk && (
                  <Table.Th w={36}>
                    <Checkbox
                      size="xs"
                      aria-label="Choose all of this page"
                      checked={all}
                      indeterminate={!all && rows.some((row) => chosen.has(props.keyOf(row)))}
                      onChange={(event) => choose(rows, event.currentTarget.checked)}
                    />
                  </Table.Th>
                )}
                {shown.map((column) => (
                  <Heading key={column.key} column={column} looking={props.looking} />
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Table.Tr key={props.keyOf(row)}>
                  {props.bulk && (
                    <Table.Td>
                      <Checkbox
                        size="xs"
                        aria-label={`Choose ${props.nameOf(row)}`}
                        checked={chosen.has(props.keyOf(row))}
                        onChange={(event) => choose([row], event.currentTarget.checked)}
                      />
                    </Table.Td>
                  )}
                  {shown.map((column) => (
                    <Table.Td key={column.key} ta={column.number ? 'right' : 'left'}>
                      {column.cell(row)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Pages {...props} />
    </Stack>
  )
}

function SearchField(props: { hint: string; text: string; onSearch: (text: string) => void }) {
  const [text, setText] = useState(props.text)
  const [settled] = useDebouncedValue(text, 250)
  const { onSearch } = props
  useEffect(() => {
    if (settled !== props.text) onSearch(settled)
    // Only what was typed starts a search; what the address says comes in by the next effect.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [settled])
  useEffect(() => setText(props.text), [props.text])
  return (
    <TextInput
      type="search"
      leftSection={<IconSearch size={16} aria-hidden />}
      placeholder={props.hint}
      aria-label={props.hint}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      w={{ base: '100%', xs: 280 }}
    />
  )
}

function FilterMenu(props: {
  filter: Filter
  chosen: readonly string[]
  onToggle: (value: string) => void
}) {
  const { filter, chosen } = props
  return (
    <Menu closeOnItemClick={false} position="bottom-start">
      <Menu.Target>
        <Button
          variant={chosen.length > 0 ? 'light' : 'default'}
          leftSection={<IconFilter size={15} aria-hidden />}
          rightSection={chosen.length > 0 && <Badge size="sm">{chosen.length}</Badge>}
        >
          {filter.title}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={360} style={{ overflowY: 'auto' }}>
        {filter.values.length === 0 && <Menu.Label>Nothing to choose from</Menu.Label>}
        {filter.values.map(({ value, label, count }) => (
          <Menu.Item
            key={value}
            role="menuitemcheckbox"
            aria-checked={chosen.includes(value)}
            onClick={() => props.onToggle(value)}
            leftSection={
              <Checkbox size="xs" checked={chosen.includes(value)} readOnly tabIndex={-1} aria-hidden />
            }
            rightSection={
              count !== undefined && (
                <Text size="xs" c="dimmed">
                  {count}
                </Text>
              )
            }
          >
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

function ColumnMenu<Row>(props: {
  columns: readonly Column<Row>[]
  shown: readonly string[]
  onChange: (columns: string[]) => void
}) {
  const { columns, shown } = props
  return (
    <Menu closeOnItemClick={false} position="bottom-start">
      <Menu.Target>
        <ActionIcon variant="default" size={36} aria-label="Columns" title="Columns">
          <IconColumns size={17} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {columns.map((column, n) => (
          <Menu.Item
            key={column.key}
            role="menuitemcheckbox"
            aria-checked={shown.includes(column.key)}
            disabled={n === 0}
            onClick={() =>
              props.onChange(
                columns
                  .map((one) => one.key)
                  .filter((key) => shown.includes(key) !== (key === column.key)),
              )
            }
            leftSection={
              <Checkbox
                size="xs"
                checked={shown.includes(column.key)}
                readOnly
                tabIndex={-1}
                aria-hidden
              />
            }
          >
            {column.title}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

function Heading<Row>(props: { column: Column<Row>; looking: ReturnType<typeof useView> }) {
  const { column } = props
  const { view, change } = props.looking
  const { order } = column
  const align = column.number ? 'right' : 'left'
  if (!order) return <Table.Th ta={align}>{column.title}</Table.Th>
  const mine = view.order?.field === order ? view.order : undefined
  const Arrow = mine?.descending ? IconArrowDown : IconArrowUp
  return (
    <Table.Th ta={align} aria-sort={mine ? (mine.descending ? 'descending' : 'ascending') : 'none'}>
      <UnstyledButton
        fw={600}
        fz="sm"
        onClick={() => change({ order: { field: order, descending: mine ? !mine.descending : false } })}
      >
        {column.title} {mine && <Arrow size={13} aria-hidden />}
      </UnstyledButton>
    </Table.Th>
  )
}

function Pages<Row>({ looking, page, rows }: ListingProps<Row>) {
  const { view, change } = looking
  const first = view.cursors.length === 0
  if (!page || (first && !page.hasNextPage)) return null
  return (
    <Group justify="space-between" component="nav" aria-label="Pages">
      <Text size="sm" c="dimmed">
        Page {view.cursors.length + 1}, {rows?.length ?? 0} rows
      </Text>
      <Group gap="xs">
        <Button
          variant="default"
          size="compact-md"
          disabled={first}
          onClick={() => change({ cursors: view.cursors.slice(0, -1) })}
        >
          Previous
        </Button>
        <Button
          variant="default"
          size="compact-md"
          disabled={!page.hasNextPage}
          onClick={() => change({ cursors: [...view.cursors, page.endCursor] })}
        >
          Next
        </Button>
      </Group>
    </Group>
  )
}
