import { Action, Group, Select, Text } from '~/ui'

import { SIZES, type useView } from './view'

/** Where in the list one is, and the way to its other pages. */
export function Pages(props: {
  looking: ReturnType<typeof useView>
  page: { endCursor: string; hasNextPage: boolean } | undefined
  shown: number
  /** How many there are on all pages, if that is known. */
  total: number | undefined
}) {
  const { page, shown, total } = props
  const { view, change } = props.looking
  const first = view.cursors.length === 0
  const size = view.size ?? SIZES[0]
  if (!page || shown === 0) return null
  const before = view.cursors.length * size
  const alone = first && !page.hasNextPage
  const last = before + shown
  return (
    <Group justify="space-between" component="nav" aria-label="Pages" gap="xs">
      <Text size="sm" c="dimmed">
        {alone ? shown.toLocaleString() : `${(before + 1).toLocaleString()} to ${last.toLocaleString()}`}
        {!alone && total !== undefined && ` of ${total.toLocaleString()}`}
        {alone && (shown === 1 ? ' row' : ' rows')}
      </Text>
      {!(alone && shown <= SIZES[0]) && (
        <Group gap="xs">
          <Select
            size="xs"
            w={120}
            aria-label="Rows of a page"
            data={SIZES.map((one) => ({ value: String(one), label: `${one} rows` }))}
            value={String(size)}
            onChange={(value) => change({ size: SIZES.find((one) => String(one) === value) })}
            allowDeselect={false}
          />
          <Action
            variant="default"
            size="compact-md"
            why={first ? 'This is the first page.' : undefined}
            onClick={() => change({ cursors: view.cursors.slice(0, -1) })}
          >
            Previous
          </Action>
          <Action
            variant="default"
            size="compact-md"
            why={page.hasNextPage ? undefined : 'This is the last page.'}
            onClick={() => change({ cursors: [...view.cursors, page.endCursor] })}
          >
            Next
          </Action>
        </Group>
      )}
    </Group>
  )
}
