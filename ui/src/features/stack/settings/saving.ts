import { useState } from 'react'
import { useClient, type CombinedError } from 'urql'

import { inputOf, SettingsQuery, UpdateMutation, type StackInput } from './settings'

/**
 * Saves some settings. An update is always the whole of them, so the others are read anew first:
 * what somebody else has changed meanwhile stays.
 */
export function useSaving(stack: string) {
  const client = useClient()
  const [saving, setSaving] = useState(false)
  const save = async (
    change: (now: StackInput) => Partial<StackInput>,
  ): Promise<CombinedError | 'gone' | undefined> => {
    setSaving(true)
    try {
      const found = await client.query(SettingsQuery, { id: stack }, { requestPolicy: 'network-only' })
      if (found.error) return found.error
      if (!found.data?.stack) return 'gone'
      const now = inputOf(found.data.stack)
      const answer = await client.mutation(UpdateMutation, { id: stack, input: { ...now, ...change(now) } })
      return answer.error
    } finally {
      setSaving(false)
    }
  }
  return { save, saving }
}
