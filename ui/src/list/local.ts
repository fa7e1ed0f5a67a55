import type { Filter } from './types'
import { SIZES, type View } from './view'

/** What a list that has come whole is narrowed and ordered by. */
export interface Local<Row> {
  /** What is searched. */
  text: (row: Row) => readonly (string | null | undefined)[]
  /** The values of a row by field. */
  filters: readonly { field: string; title: string; of: (row: Row) => readonly string[]; label?: (value: string) => string }[]
  /** What is ordered by, by field; what has no value comes last. */
  orders: Readonly<Record<string, (row: Row) => string | number | null>>
}

export interface LocalPage<Row> {
  rows: readonly Row[]
  page: { endCursor: string; hasNextPage: boolean }
  /** How many fit the view on all pages. */
  total: number
  filters: readonly Filter[]
}

/**
 * A page of rows that came whole, for lists of which the API knows no pages: narrowed, ordered and
 * cut as the server does it elsewhere. A cursor is the number of rows before the page.
 */
export function localPage<Row>(all: readonly Row[], view: View, how: Local<Row>): LocalPage<Row> {
  const fits = all.filter((row) => hasWords(row, view, how) && hasValues(row, view, how))
  const ordered = inOrder(fits, view, how)
  const from = Number(view.cursors.at(-1) ?? 0) || 0
  const until = from + (view.size ?? SIZES[0])
  return {
    rows: ordered.slice(from, until),
    page: { endCursor: String(until), hasNextPage: until < ordered.length },
    total: ordered.length,
    filters: how.filters.map(({ field, title, of, label }) => ({ field, title, values: counted(all, view, how, field, of, label) })),
  }
}

function hasWords<Row>(row: Row, view: View, how: Local<Row>): boolean {
  const words = view.text.toLowerCase().split(/\s+/).filter(Boolean)
  const text = how
    .text(row)
    .map((one) => one ?? '')
    .join('\n')
    .toLowerCase()
  return words.every((word) => text.includes(word))
}

function hasValues<Row>(row: Row, view: View, how: Local<Row>, but?: string): boolean {
  return how.filters.every(({ field, of }) => {
    const wanted = view.filters[field]
    return field === but || !wanted || of(row).some((value) => wanted.includes(value))
  })
}

function inOrder<Row>(rows: readonly Row[], view: View, how: Local<Row>): readonly Row[] {
  const { order } = view
  const of = order && how.orders[order.field]
  if (!of) return rows
  return rows.toSorted((a, b) => {
    const [one, other] = [of(a), of(b)]
    if (one === null || other === null) return Number(one === null) - Number(other === null)
    const way = typeof one === 'number' && typeof other === 'number' ? one - other : String(one).localeCompare(String(other))
    return order.descending ? -way : way
  })
}

/** Each value with how many rows it would leave, beside what the other filters leave. */
function counted<Row>(
  all: readonly Row[],
  view: View,
  how: Local<Row>,
  field: string,
  of: (row: Row) => readonly string[],
  label: (value: string) => string = (value) => value,
) {
  const counts = new Map<string, number>()
  for (const row of all) {
    const here = hasWords(row, view, how) && hasValues(row, view, how, field)
    for (const value of of(row)) counts.set(value, (counts.get(value) ?? 0) + Number(here))
  }
  return [...counts]
    .map(([value, count]) => ({ value, label: label(value), count }))
    .toSorted((a, b) => a.label.localeCompare(b.label))
}
