import { useEffect, useState, type ReactNode } from 'react'
import type { CombinedError } from 'urql'

import { Refused } from '~/graphql/Refused'
import { Action, Button, Coming, Group, tell } from '~/ui'

import type { Config, Owner } from './given'

/** The present value of an element, asked for when it is about to be changed and not before. */
export function Present(props: {
  owner: Owner
  id: string
  problem: string
  height: number
  children: (value: string) => ReactNode
}) {
  const [found, setFound] = useState<{ value: string } | { error: CombinedError }>()
  const { owner, id } = props
  useEffect(() => {
    let late = false
    void owner.read(id).then((answer) => {
      if (!late) setFound(answer)
    })
    return () => {
      late = true
    }
    // An owner that is made anew is the same one; what is edited is not taken away.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [id])
  if (!found) return <Coming height={props.height} />
  if ('error' in found) return <Refused title={props.problem} error={found.error} />
  return props.children(found.value)
}

/** Saves an element: says so and closes, or keeps the refusal to be shown. */
export function useSaving(owner: Owner, onClose: () => void) {
  const [saving, setSaving] = useState(false)
  const [error, setError] = useState<CombinedError>()
  const save = (config: Config, done: string) => {
    setSaving(true)
    void owner.put(config).then((refused) => {
      setSaving(false)
      setError(refused)
      if (refused) return
      onClose()
      tell(done, owner.next)
    })
  }
  return { save, saving, error }
}

/** The end of a form: why it was refused, the way back, and the way on. */
export function FormEnd(props: {
  saving: ReturnType<typeof useSaving>
  refusal: string
  verb: string
  why: string | undefined
  onClose: () => void
}) {
  return (
    <>
      {props.saving.error && <Refused title={props.refusal} error={props.saving.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={props.onClose}>
          Back
        </Button>
        <Action type="submit" loading={props.saving.saving} why={props.why}>
          {props.verb}
        </Action>
      </Group>
    </>
  )
}
