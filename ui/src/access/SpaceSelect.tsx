import { Select } from '~/ui'

import { pathOf, useSpaces, type SomeSpace } from './spaces'

interface Props {
  label: string
  description?: string
  value: string | null
  onChange: (space: string) => void
  /** Which ones can be chosen; all that are seen, if nothing is said. The present one stays. */
  fits?: (space: SomeSpace, all: readonly SomeSpace[]) => boolean
}

/** Chooses a space by its whole way from the root. */
export function SpaceSelect({ label, description, value, onChange, fits }: Props) {
  const spaces = useSpaces() ?? []
  const data = spaces
    .filter((one) => one.id === value || !fits || fits(one, spaces))
    .map(({ id }) => ({ value: id, label: pathOf(spaces, id) }))
    .toSorted((a, b) => a.label.localeCompare(b.label))
  return (
    <Select
      label={label}
      description={description}
      data={data}
      value={value}
      onChange={(chosen) => chosen !== null && onChange(chosen)}
      searchable
      allowDeselect={false}
      nothingFoundMessage="No space has these letters"
      comboboxProps={{ width: 'max-content', position: 'bottom-start' }}
    />
  )
}
