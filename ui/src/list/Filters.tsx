import { IconChevronDown, IconFilter, IconX } from '@tabler/icons-react'
import { useEffect, useId, useState } from 'react'

import {
  ActionIcon,
  Badge,
  Button,
  Checkbox,
  Group,
  Loader,
  Popover,
  Stack,
  Text,
  TextInput,
  useDebouncedValue,
  useMediaQuery,
} from '~/ui'

import classes from './Listing.module.css'
import type { Filter, Value } from './types'
import { toggled, type useView } from './view'

/** As many values as are seen at a glance; more get a field to search them. */
const GLANCE = 8

/** The filters side by side: the usual ones, or all; on a phone none until asked for. */
export function Filters(props: { filters: readonly Filter[]; looking: ReturnType<typeof useView> }) {
  const { filters, looking } = props
  const narrow = useMediaQuery('(max-width: 48em)')
  const [all, setAll] = useState(false)
  const shown = filters.filter(
    (filter) => all || (!narrow && !filter.extra) || filter.field in looking.view.filters,
  )
  return (
    <>
      {shown.map((filter) => (
        <FilterMenu key={filter.field} filter={filter} looking={looking} />
      ))}
      {(shown.length < filters.length || all) && (
        <Button
          variant="subtle"
          size="xs"
          leftSection={<IconFilter size={14} aria-hidden />}
          aria-expanded={all}
          onClick={() => setAll(!all)}
        >
          {all ? 'Fewer' : shown.length > 0 ? 'More filters' : 'Filters'}
        </Button>
      )}
    </>
  )
}

/** One filter: its values with their counts, several of which may be chosen. */
function FilterMenu(props: { filter: Filter; looking: ReturnType<typeof useView> }) {
  const { filter } = props
  const { view, change } = props.looking
  const [opened, setOpened] = useState(false)
  const chosen = view.filters[filter.field] ?? []
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" trapFocus returnFocus shadow="md">
      <Popover.Target>
        <Button
          variant={chosen.length > 0 ? 'light' : 'default'}
          size="xs"
          rightSection={
            chosen.length > 0 ? (
              <Badge size="sm" circle>
                {chosen.length}
              </Badge>
            ) : (
              <IconChevronDown size={14} aria-hidden />
            )
          }
          onClick={() => setOpened(!opened)}
        >
          {filter.title}
        </Button>
      </Popover.Target>
      <Popover.Dropdown p="xs" miw={240} maw={340} aria-label={`Filter by ${filter.title.toLowerCase()}`}>
        {opened && (
          <Values
            filter={filter}
            chosen={chosen}
            onToggle={(value) => change({ filters: toggled(view, filter.field, value) })}
          />
        )}
      </Popover.Dropdown>
    </Popover>
  )
}

function Values(props: {
  filter: Filter
  chosen: readonly string[]
  onToggle: (value: string) => void
}) {
  const { filter, chosen } = props
  const [words, setWords] = useState('')
  const found = useFound(filter, words.trim())
  const values = useSteady(found.values, words)
  const name = useId()
  const searched = filter.values.length > GLANCE || filter.more === true
  return (
    <Stack gap={6}>
      {searched && (
        <TextInput
          size="xs"
          type="search"
          aria-label={`Search in ${filter.title.toLowerCase()}`}
          placeholder="Search"
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
          rightSection={found.coming && <Loader size={12} />}
          data-autofocus
        />
      )}
      <div className={classes.values ?? ''} role="group" aria-labelledby={name}>
        <span id={name} hidden>
          {filter.title}
        </span>
        {values.length === 0 && (
          <Text size="sm" c="dimmed" p={4}>
            {words ? 'No value has these letters.' : 'There is nothing to choose from.'}
          </Text>
        )}
        {values.map(({ value, label, count }) => (
          <Checkbox
            key={value}
            size="xs"
            className={classes.value ?? ''}
            checked={chosen.includes(value)}
            onChange={() => props.onToggle(value)}
            label={
              <span className={classes.counted ?? ''}>
                <span className={classes.cut ?? ''} title={label}>
                  {label}
                </span>
                {count !== undefined && <Count count={count} />}
              </span>
            }
          />
        ))}
      </div>
      {found.more && (
        <Text size="xs" c="dimmed">
          There are more. Type to find them.
        </Text>
      )}
    </Stack>
  )
}

function Count({ count }: { count: number }) {
  return (
    <Text component="span" size="xs" c="dimmed">
      {count.toLocaleString()}
    </Text>
  )
}

/** The values with the words in them: of those that are there, or asked for if there are more. */
function useFound(filter: Filter, words: string) {
  const [settled] = useDebouncedValue(words, 200)
  const [answer, setAnswer] = useState<{ words: string; values: readonly Value[]; more: boolean }>()
  const { find, more = false } = filter
  const asks = more && find !== undefined && settled !== ''
  useEffect(() => {
    if (!asks || !find) return undefined
    let late = false
    void find(settled).then((found) => {
      if (!late) setAnswer({ words: settled, ...found })
    })
    return () => {
      late = true
    }
    // A new function with the same words finds the same.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [asks, settled])
  const there = filter.values.filter((one) => one.label.toLowerCase().includes(words.toLowerCase()))
  if (!asks) return { values: there, more, coming: false }
  return answer?.words === settled
    ? { values: answer.values, more: answer.more, coming: false }
    : { values: there, more, coming: true }
}

/** The values in the order in which they were first shown: nothing jumps away under the pointer. */
function useSteady(values: readonly Value[], words: string): readonly Value[] {
  const [shown, setShown] = useState<{ words: string; order: readonly string[] }>({ words, order: [] })
  const known = shown.words === words ? shown.order : []
  const fresh = values.filter((one) => !known.includes(one.value)).map((one) => one.value)
  const order = fresh.length > 0 ? [...known, ...fresh] : known
  if (fresh.length > 0 || shown.words !== words) setShown({ words, order })
  return order.flatMap((value) => values.find((one) => one.value === value) ?? [])
}

/** What narrows the list now, each of which can be taken away. */
export function Chosen(props: { filters: readonly Filter[]; looking: ReturnType<typeof useView> }) {
  const { view, change } = props.looking
  const all = Object.entries(view.filters).flatMap(([field, values]) =>
    values.map((value) => ({ field, value })),
  )
  if (all.length === 0) return null
  return (
    <Group gap={6} role="group" aria-label="Filters in use">
      {all.map(({ field, value }) => {
        const filter = props.filters.find((one) => one.field === field)
        const label = filter?.values.find((one) => one.value === value)?.label ?? value
        const words = `${filter?.title ?? field}: ${label}`
        return (
          <Badge
            key={`${field} ${value}`}
            variant="light"
            size="lg"
            tt="none"
            fw={500}
            maw="100%"
            rightSection={
              <ActionIcon
                size={16}
                variant="transparent"
                c="inherit"
                aria-label={`Take away ${words}`}
                onClick={() => change({ filters: toggled(view, field, value) })}
              >
                <IconX size={12} />
              </ActionIcon>
            }
          >
            {words}
          </Badge>
        )
      })}
      <Button size="compact-xs" variant="subtle" onClick={() => change({ filters: {}, text: '' })}>
        Show all
      </Button>
    </Group>
  )
}
