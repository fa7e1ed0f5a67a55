import type { ReactNode } from 'react'

import { CheckLine } from '~/ui'

import type { Field } from './faults'
import type { Told } from './useDraft'

export const idOf = (field: Field) => `new-stack-${field}`

/** What an input of the kit takes to show how its field stands. */
export function standingOf(field: Field, told: Told | undefined) {
  const bad = told?.standing === 'PROBLEM'
  const line: ReactNode = told && <CheckLine {...told} />
  return {
    id: idOf(field),
    inputWrapperOrder: ['label', 'description', 'input', 'error'] as (
      | 'label'
      | 'description'
      | 'input'
      | 'error'
    )[],
    // The kit's place for errors is also where what is fine is told; only errors turn the field red.
    error: line ?? false,
    errorProps: { component: 'div' as const },
    'aria-invalid': bad,
    styles: bad ? WRONG : CALM,
  }
}

/**
 * Lists of choices stay inside of the page's main part, where they are looked for, and below the
 * line that says how the field stands.
 */
export function choicesOf(told: Told | undefined) {
  return { comboboxProps: { withinPortal: false, offset: told ? LINE_PX : 8 } }
}

/** The height of that line, with the space above it. */
const LINE_PX = 32

/** A field whose line below is no error looks as it always does. */
const CALM = {
  input: {
    '--input-placeholder-color': 'var(--mantine-color-placeholder)',
    borderColor: 'var(--mantine-color-default-border)',
    color: 'inherit',
  },
  section: { color: 'inherit' },
}

/** What is only proposed in an empty field is not what is wrong with it. */
const WRONG = {
  input: { '--input-placeholder-color': 'var(--mantine-color-placeholder)', color: 'inherit' },
}
