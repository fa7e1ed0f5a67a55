import { useCallback, useEffect, useMemo, useRef } from 'react'
import { useSearchParams } from 'react-router'

/** How a list is looked at. It lives in the address, so that it can be sent to somebody. */
export interface View {
  text: string
  order: { field: string; descending: boolean } | undefined
  /** Wanted values by field. */
  filters: Readonly<Record<string, readonly string[]>>
  /** Columns that are shown, if not the usual ones. */
  columns: readonly string[] | undefined
  /** The cursors of the pages before this one and of this one; none on the first page. */
  cursors: readonly string[]
  /** Rows of a page, if not the usual number. */
  size?: number | undefined
}

/** How many rows a page may have: a screen or two, up to the most that the server gives at once. */
export const SIZES = [50, 100, 250, 500] as const

const FILTER = 'f.'

export function readView(params: URLSearchParams): View {
  const filters: Record<string, string[]> = {}
  for (const [name, value] of params) {
    if (name.startsWith(FILTER) && value) (filters[name.slice(FILTER.length)] ??= []).push(value)
  }
  const order = params.get('sort')
  const columns = params.get('columns')
  const size = SIZES.find((one) => String(one) === params.get('rows'))
  return {
    text: params.get('q') ?? '',
    order: order
      ? { field: order.replace(/^-/, ''), descending: order.startsWith('-') }
      : undefined,
    filters,
    columns: columns ? columns.split(',') : undefined,
    cursors: params.getAll('after'),
    ...(size === undefined ? {} : { size }),
  }
}

export function writeView(view: View, others: URLSearchParams = new URLSearchParams()): URLSearchParams {
  const params = new URLSearchParams()
  for (const [name, value] of others) {
    const ours = name.startsWith(FILTER) || ['q', 'sort', 'columns', 'after', 'rows'].includes(name)
    if (!ours) params.append(name, value)
  }
  if (view.text) params.set('q', view.text)
  for (const [field, values] of Object.entries(view.filters)) {
    for (const value of values) params.append(FILTER + field, value)
  }
  if (view.size !== undefined && view.size !== SIZES[0]) params.set('rows', String(view.size))
  if (view.order) params.set('sort', `${view.order.descending ? '-' : ''}${view.order.field}`)
  if (view.columns) params.set('columns', view.columns.join(','))
  for (const cursor of view.cursors) params.append('after', cursor)
  return params
}

/** The view in the address, and how to change it. Whatever narrows or orders begins at page one. */
export function useView() {
  const [params, setParams] = useSearchParams()
  const view = useMemo(() => readView(params), [params])
  const set = useRef(setParams)
  useEffect(() => {
    set.current = setParams
  })
  const change = useCallback((next: Partial<View>, options: { replace?: boolean } = {}) => {
    const turnsPage = 'cursors' in next
    set.current(
      (now) => {
        const merged: View = { ...readView(now), ...next }
        return writeView(turnsPage || 'columns' in next ? merged : { ...merged, cursors: [] }, now)
      },
      { replace: options.replace ?? !turnsPage },
    )
  }, [])
  return { view, change }
}

/** The same filters with one value switched on or off. */
export function toggled(view: View, field: string, value: string): View['filters'] {
  const now = view.filters[field] ?? []
  const next = now.includes(value) ? now.filter((one) => one !== value) : [...now, value]
  const { [field]: _, ...rest } = view.filters
  return next.length > 0 ? { ...rest, [field]: next } : rest
}
