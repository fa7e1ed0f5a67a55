import type { Filter } from './Listing'
import type { View } from './view'

/** Rows of a page: a screen or two; the server's own default for lists. */
const PAGE = 50

/** A view as the API's `SearchInput` takes it. */
export function asked(view: View, booleans: readonly string[] = []) {
  return {
    first: PAGE,
    after: view.cursors.at(-1) ?? null,
    fullTextSearch: view.text || null,
    predicates: Object.entries(view.filters).map(([field, values]) => ({
      field,
      constraint: booleans.includes(field)
        ? { booleanEquals: values.map((value) => value === 'true') }
        : { stringMatches: [...values] },
      exclude: null,
    })),
    orderBy: view.order
      ? [
          {
            field: view.order.field,
            direction: view.order.descending ? ('DESC' as const) : ('ASC' as const),
          },
        ]
      : null,
  }
}

/** Whether anything narrows the list: an empty answer then means "nothing fits". */
export function narrowed(view: View): boolean {
  return view.text !== '' || Object.keys(view.filters).length > 0
}

export function filter(field: string, title: string, values: readonly string[]): Filter {
  return { field, title, values: values.map((value) => ({ value, label: value })) }
}
