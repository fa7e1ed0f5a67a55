import type { ReactNode } from 'react'

import type { Fault } from '~/ui'

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

export interface Value {
  value: string
  label: string
  count?: number | undefined
}

export interface Filter {
  field: string
  title: string
  values: readonly Value[]
  /** Whether there are values besides these, which are found by their words. */
  more?: boolean | undefined
  /** Looks for values by their words; without it, those above are all. */
  find?: (words: string) => Promise<{ values: readonly Value[]; more: boolean }>
  /** Not shown until asked for. */
  extra?: true
}

/** How one of several ended. A broken one ends the work: the others would fare alike. */
export type Outcome =
  | { is: 'done' }
  | (Fault & { is: 'refused'; broken?: boolean })

/** What can be done with several rows at once, one after the other. */
export interface BulkAction<Row> {
  key: string
  /** The verb on the button. */
  label: string
  icon?: ReactNode
  danger?: true
  /** Why it cannot be done with this row; such rows are left out. */
  unfit?: (row: Row) => string | undefined
  /** What will happen. */
  words: (count: number) => ReactNode
  /** Something to give with it. */
  given?: { label: string; description?: string; needed?: true }
  act: (row: Row, given: string) => Promise<Outcome>
}

/** What a bulk bar is for: the actions, and the names of the rows. */
export interface Bulk<Row> {
  actions: readonly BulkAction<Row>[]
  /** "stack", "stacks". */
  noun: readonly [one: string, several: string]
  /** Gets every row that fits the view, page by page, and tells how many it has. */
  everything?: (told: (rows: readonly Row[]) => boolean) => Promise<Fault | undefined>
  /** Called when some of the rows may have changed. */
  after?: () => void
}
