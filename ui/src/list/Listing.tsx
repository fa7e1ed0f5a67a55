import { useState, type ReactNode } from 'react'

import { Box, Button, Coming, Group, Stack, Text } from '~/ui'

import { ColumnMenu, SearchField } from './Bar'
import { BulkBar } from './BulkBar'
import { Chosen, Filters } from './Filters'
import classes from './Listing.module.css'
import { Pages } from './Pages'
import { Rows } from './Rows'
import { SavedViews } from './SavedViews'
import type { Bulk, Column, Filter } from './types'
import type { useView } from './view'

export type { Bulk, BulkAction, Column, Filter, Outcome, Value } from './types'

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
  /** How many fit the view on all pages, if that is known. */
  total?: number | undefined
  /** What stands there when nothing is found. */
  empty: ReactNode
  /** What can be done with several rows: one by one, or, as a function, something of its own. */
  bulk?: Bulk<Row> | ((chosen: readonly Row[], clear: () => void) => ReactNode)
  /** As what views of the list are saved, in the API's words; a list without it keeps none. */
  saved?: string
  aside?: ReactNode
}

/** Every list: search, filters, order, columns, pages, choosing several. All views are addresses. */
export function Listing<Row>(props: ListingProps<Row>) {
  const { bulk, filters = [], keyOf } = props
  const { view, change } = props.looking
  const [chosen, setChosen] = useState<ReadonlyMap<string, Row>>(new Map())
  const usual = props.columns.filter((column) => !column.extra).map((column) => column.key)
  const shown = props.columns.filter(
    (column, n) => n === 0 || (view.columns ?? usual).includes(column.key),
  )
  const rows = props.rows ?? []

  const choose = (some: readonly Row[], on: boolean) => {
    setChosen((before) => {
      const next = new Map(before)
      for (const row of some) {
        if (on) next.set(keyOf(row), row)
        else next.delete(keyOf(row))
      }
      return next
    })
  }
  const clear = () => setChosen(new Map())
  // Those on this page as they are now, the others as they were when they were chosen.
  const now = new Map(rows.map((row) => [keyOf(row), row]))
  const chosenRows = [...chosen].map(([key, row]) => now.get(key) ?? row)

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
        <Filters filters={filters} looking={props.looking} />
        <ColumnMenu
          columns={props.columns}
          shown={shown.map((column) => column.key)}
          onChange={(columns) => change({ columns })}
        />
        {props.saved !== undefined && <SavedViews type={props.saved} looking={props.looking} />}
        <Box ml="auto">{props.aside}</Box>
      </Group>
      <Chosen filters={filters} looking={props.looking} />
      {typeof bulk === 'function' && chosenRows.length > 0 && (
        <Group className={classes.bulk ?? ''} role="region" aria-label="With the chosen ones">
          <Text size="sm" fw={600}>
            {chosenRows.length} chosen
          </Text>
          {bulk(chosenRows, clear)}
          <Button variant="subtle" size="xs" onClick={clear}>
            Choose none
          </Button>
        </Group>
      )}
      {typeof bulk === 'object' && (
        <BulkBar
          bulk={bulk}
          chosen={chosenRows}
          keyOf={keyOf}
          nameOf={props.nameOf}
          page={{
            whole: rows.length > 0 && rows.every((row) => chosen.has(keyOf(row))),
            total: props.total,
          }}
          onChoose={choose}
          onClear={clear}
        />
      )}
      {props.rows === undefined ? (
        <Coming height={400} />
      ) : rows.length === 0 ? (
        props.empty
      ) : (
        <Rows
          name={props.name}
          columns={shown}
          rows={rows}
          keyOf={keyOf}
          nameOf={props.nameOf}
          looking={props.looking}
          chosen={bulk ? chosen : undefined}
          onChoose={choose}
        />
      )}
      <Pages looking={props.looking} page={props.page} shown={rows.length} total={props.total} />
    </Stack>
  )
}
