import { useState } from 'react'

import { faultsOf, type Faults } from './faults'
import { changesOf } from '~/lib/changes'

import type { StackInput } from './settings'

/** What is shown: the settings as they are kept now, with what was changed here on top. */
export interface Form {
  value: StackInput
  set: (change: Partial<StackInput>) => void
  /** Only what differs from what is kept. */
  changes: Partial<StackInput>
  faults: Faults
  reset: () => void
}

export function useForm(kept: StackInput): Form {
  const [edits, setEdits] = useState<Partial<StackInput>>({})
  const value = { ...kept, ...edits }
  return {
    value,
    set: (change) => setEdits((before) => ({ ...before, ...change })),
    changes: changesOf(kept, value),
    faults: faultsOf(value),
    reset: () => setEdits({}),
  }
}
