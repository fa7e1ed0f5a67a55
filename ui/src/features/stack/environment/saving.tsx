import { useState, type ReactNode } from 'react'
import { useMutation, useQuery, type CombinedError } from 'urql'

import type { VariablesOf } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { Action, Button, Coming, Group, tell } from '~/ui'

import { useStack } from '../here'
import { ElementQuery, PutElement, type Given } from './elements'

/** The present value of an element, asked for when it is about to be changed and not before. */
export function Present(props: { given: Given; problem: string; height: number; children: (value: string) => ReactNode }) {
  const stack = useStack()
  const [{ data, error }] = useQuery({
    query: ElementQuery,
    variables: { stack: stack.id, id: props.given.element.id },
    requestPolicy: 'network-only',
  })
  if (error) return <Refused title={props.problem} error={error} />
  if (!data) return <Coming height={props.height} />
  return props.children(data.stack?.configElement?.value ?? '')
}

type Config = VariablesOf<typeof PutElement>['config']

/** Saves an element of the stack: says so and closes, or keeps the refusal to be shown. */
export function useSaving(onClose: () => void) {
  const stack = useStack()
  const [{ fetching }, put] = useMutation(PutElement)
  const [error, setError] = useState<CombinedError>()
  const save = (config: Config, done: string, next: string) => {
    void put({ stack: stack.id, config }).then((result) => {
      setError(result.error)
      if (result.error) return
      onClose()
      tell(done, next)
    })
  }
  return { save, fetching, error }
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
        <Action type="submit" loading={props.saving.fetching} why={props.why}>
          {props.verb}
        </Action>
      </Group>
    </>
  )
}
