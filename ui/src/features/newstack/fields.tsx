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
    error: bad,
    // The kit's place for errors is also where what is fine is told; that makes no field wrong.
    wrapperProps: { error: line ?? false },
    errorProps: { component: 'div' as const },
    styles: CALM,
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

/** What is only proposed in an empty field is not what is wrong with it. */
const CALM = {
  input: { '--input-placeholder-color': 'var(--mantine-color-placeholder)', color: 'inherit' },
}
