import type { ReactNode } from 'react'

import { to } from '~/lib/paths'
import { CheckLine } from '~/ui'

import type { Field } from './faults'
import type { Told } from './useDraft'

export const idOf = (field: Field) => `new-stack-${field}`

/** What an input of the kit takes to show how its field stands. */
export function standingOf(field: Field, told: Told | undefined) {
  const bad = told?.standing === 'PROBLEM'
  const line: ReactNode = told && <CheckLine {...told} helpAt={to.error} />
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
    ...(bad ? {} : { styles: CALM }),
  }
}

/** Lists of choices stay inside of the page's main part, where they are looked for. */
export const INLINE = { withinPortal: false }

/** A field whose line below is no error looks as it always does. */
const CALM = {
  input: { borderColor: 'var(--mantine-color-default-border)', color: 'inherit' },
  section: { color: 'inherit' },
}
