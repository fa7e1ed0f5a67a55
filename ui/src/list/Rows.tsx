import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { memo, useLayoutEffect, useRef, useState, type ReactNode } from 'react'

import { Checkbox, Table, UnstyledButton } from '~/ui'

import classes from './Listing.module.css'
import type { Column } from './types'
import type { useView } from './view'

/** Longer pages are drawn only where one looks. */
const DRAWN_WHOLE = 100
/** Pixels of a row of two lines; the real height is measured once it is there. */
const ROW = 50

/** Fainter than the kit's own: links on it have to be read. */
const UNDER_POINTER = 'color-mix(in srgb, var(--mantine-color-default-hover) 50%, transparent)'

/** Drawn anew only with another row: what is counted beside a list changes more often than it. */
const Cell = memo(function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  return <>{column.cell(row)}</>
}) as <Row>(props: { column: Column<Row>; row: Row }) => ReactNode

interface RowsProps<Row> {
  name: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
  nameOf: (row: Row) => string
  looking: ReturnType<typeof useView>
  chosen: ReadonlyMap<string, Row> | undefined
  onChoose: (rows: readonly Row[], on: boolean) => void
}

/** The table of a page. On small screens each row is a card. */
export function Rows<Row>(props: RowsProps<Row>) {
  const { rows, keyOf, chosen, columns } = props
  const all = rows.length > 0 && chosen !== undefined && rows.every((row) => chosen.has(keyOf(row)))
  const last = useRef<number>(undefined)

  /** With Shift, everything from the one that was clicked before. */
  const choose = (index: number, on: boolean, shift: boolean) => {
    const from = shift && last.current !== undefined ? last.current : index
    props.onChoose(rows.slice(Math.min(from, index), Math.max(from, index) + 1), on)
    last.current = index
  }

  const draw = (row: Row, index: number): ReactNode => {
    const key = keyOf(row)
    const on = chosen?.has(key) ?? false
    return (
      <Table.Tr key={key} data-index={index} data-chosen={on || undefined} aria-rowindex={index + 2}>
        {chosen && (
          <Table.Td className={classes.tick ?? ''}>
            <Checkbox
              size="xs"
              aria-label={`Choose ${props.nameOf(row)}`}
              checked={on}
              onChange={(event) => {
                const { nativeEvent } = event
                choose(index, event.currentTarget.checked, 'shiftKey' in nativeEvent && nativeEvent.shiftKey === true)
              }}
            />
          </Table.Td>
        )}
        {columns.map((column) => (
          <Table.Td
            key={column.key}
            {...(column.number ? { ta: 'right', className: classes.number ?? '' } : { ta: 'left' })}
            data-title={column.title}
          >
            <Cell column={column} row={row} />
          </Table.Td>
        ))}
      </Table.Tr>
    )
  }

  return (
    <div className={classes.scroll ?? ''}>
      <Table
        highlightOnHover
        highlightOnHoverColor={UNDER_POINTER}
        verticalSpacing={6}
        aria-label={props.name}
        aria-rowcount={rows.length + 1}
        className={classes.table ?? ''}
      >
        <Table.Thead>
          <Table.Tr aria-rowindex={1}>
            {chosen && (
              <Table.Th w={36} className={classes.tick ?? ''}>
                <Checkbox
                  size="xs"
                  aria-label="Choose all of this page"
                  checked={all}
                  indeterminate={!all && rows.some((row) => chosen.has(keyOf(row)))}
                  onChange={(event) => props.onChoose(rows, event.currentTarget.checked)}
                />
              </Table.Th>
            )}
            {columns.map((column) => (
              <Heading key={column.key} column={column} looking={props.looking} />
            ))}
          </Table.Tr>
        </Table.Thead>
        {rows.length > DRAWN_WHOLE ? (
          <WhereOneLooks rows={rows} draw={draw} cells={columns.length + (chosen ? 1 : 0)} />
        ) : (
          <Table.Tbody>{rows.map(draw)}</Table.Tbody>
        )}
      </Table>
    </div>
  )
}

function WhereOneLooks<Row>(props: {
  rows: readonly Row[]
  draw: (row: Row, index: number) => ReactNode
  cells: number
}) {
  const body = useRef<HTMLTableSectionElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => {
    const place = body.current?.getBoundingClientRect().top ?? 0
    setTop(place + window.scrollY)
  }, [])
  // oxlint-disable-next-line react/incompatible-library
  const virtual = useWindowVirtualizer({
    count: props.rows.length,
    estimateSize: () => ROW,
    overscan: 12,
    scrollMargin: top,
  })
  const items = virtual.getVirtualItems()
  const before = (items[0]?.start ?? top) - top
  const after = virtual.getTotalSize() - ((items.at(-1)?.end ?? top) - top)
  useLayoutEffect(() => {
    body.current?.querySelectorAll<HTMLTableRowElement>('tr[data-index]').forEach((row) => {
      virtual.measureElement(row)
    })
  })
  return (
    <Table.Tbody ref={body}>
      <Gap height={before} cells={props.cells} />
      {items.map(({ index }) => {
        const row = props.rows[index]
        return row === undefined ? null : props.draw(row, index)
      })}
      <Gap height={after} cells={props.cells} />
    </Table.Tbody>
  )
}

/** The place of rows that are not drawn. */
function Gap({ height, cells }: { height: number; cells: number }) {
  if (height <= 0) return null
  return (
    <tr aria-hidden>
      {/* oxlint-disable-next-line jsx-a11y/control-has-associated-label */}
      <td colSpan={cells} style={{ height, padding: 0, border: 0 }} />
    </tr>
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
