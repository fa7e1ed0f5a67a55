import type { Filter } from './Listing'
import { SIZES, type View } from './view'

interface Asking {
  /** The fields that are yes or no; the API takes those as such. */
  booleans?: readonly string[]
  /** The order of a view that names none, if it is not the server's own. */
  usual?: View['order']
}

/** A view as the API's `SearchInput` takes it. */
export function asked(view: View, booleans: readonly string[] = [], { usual }: Asking = {}) {
  const order = view.order ?? usual
  return {
    first: view.size ?? SIZES[0],
    after: view.cursors.at(-1) ?? null,
    fullTextSearch: view.text || null,
    predicates: predicates(view, booleans),
    orderBy: order
      ? [
          {
            field: order.field,
            direction: order.descending ? ('DESC' as const) : ('ASC' as const),
          },
        ]
      : null,
  }
}

/** What a view narrows the list by, as the API's `SearchSuggestionsInput` takes it. */
export function askedValues(
  view: View,
  fields: readonly string[],
  { booleans = [], words = '' }: { booleans?: readonly string[]; words?: string } = {},
) {
  return {
    fields: [...fields],
    valueContains: words || null,
    fullTextSearch: view.text || null,
    predicates: predicates(view, booleans),
  }
}

function predicates(view: View, booleans: readonly string[]) {
  return Object.entries(view.filters).map(([field, values]) => ({
    field,
    constraint: booleans.includes(field)
      ? { booleanEquals: values.map((value) => value === 'true') }
      : { stringMatches: [...values] },
    exclude: null,
  }))
}

/** Whether anything narrows the list: an empty answer then means "nothing fits". */
export function narrowed(view: View): boolean {
  return view.text !== '' || Object.keys(view.filters).length > 0
}

export function filter(field: string, title: string, values: readonly string[]): Filter {
  return { field, title, values: values.map((value) => ({ value, label: value })) }
}
