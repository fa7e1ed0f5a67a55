import { useState } from 'react'
import { useMutation, type CombinedError } from 'urql'

import { graphql } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { Confirm, Stack, Text, tell } from '~/ui'

const DetachMutation = graphql(`
  mutation DetachContext($id: ID!) {
    contextDetach(id: $id) {
      id
      stackId
      contextId
    }
  }
`)

/** Asks before a stack loses what a context gives it. `id` is the attachment's. */
export function DetachContext(props: { id: string; context: string; stack: string; onClose: () => void }) {
  const [{ fetching }, detach] = useMutation(DetachMutation)
  const [error, setError] = useState<CombinedError>()
  return (
    <Confirm
      opened
      title={`Detach ${props.context} from ${props.stack}?`}
      verb="Detach"
      dangerous
      busy={fetching}
      onClose={props.onClose}
      onConfirm={() =>
        void detach({ id: props.id }).then((result) => {
          setError(result.error)
          if (result.error) return
          props.onClose()
          tell(`${props.context} is detached from ${props.stack}`)
        })
      }
    >
      <Stack gap="sm">
        <Text size="sm">
          Runs of {props.stack} that begin from now on go without its variables, files and hooks. The context stays
          as it is.
        </Text>
        {error && <Refused title="It was not detached" error={error} />}
      </Stack>
    </Confirm>
  )
}
