import { HooksEditor } from '~/environment/HooksEditor'
import { hooksOf } from '~/environment/hooks'
import { Refused } from '~/graphql/Refused'
import { Coming } from '~/ui'

import { lacking, useStack, useStackQuery } from '../here'
import { useSaving } from '../settings/saving'
import { inputOf, SettingsQuery } from '../settings/settings'

/** The stack's own commands around the phases of every run. */
export function StackHooks() {
  const stack = useStack()
  const { data, error } = useStackQuery(SettingsQuery, { id: stack.id })
  const { save } = useSaving(stack.id)
  if (error && !data) return <Refused title="The hooks could not be loaded" error={error} />
  if (!data?.stack) return <Coming />
  return (
    <HooksEditor
      kept={hooksOf(inputOf(data.stack))}
      note="Those of its contexts come first before a phase, and last after it."
      why={lacking(stack, 'STACK_UPDATE')}
      save={(changed) => save(() => changed)}
    />
  )
}
