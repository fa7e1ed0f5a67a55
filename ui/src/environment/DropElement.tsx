import { useState } from 'react'
import type { CombinedError } from 'urql'

import { Refused } from '~/graphql/Refused'
import { Confirm, Stack, Text, tell } from '~/ui'

import type { Given, Owner } from './given'

/** Asks before a variable or a file goes. */
export function DropElement(props: { owner: Owner; given: Given; onClose: () => void }) {
  const { owner, onClose } = props
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<CombinedError>()
  const { id, writeOnly } = props.given.element
  return (
    <Confirm
      opened
      title={`Delete ${id}?`}
      verb="Delete"
      dangerous
      busy={busy}
      onClose={onClose}
      onConfirm={() => {
        setBusy(true)
        void owner.drop(id).then((refused) => {
          setBusy(false)
          setError(refused)
          if (refused) return
          onClose()
          tell(`${id} is deleted`, 'The next run goes without it.')
        })
      }}
    >
      <Stack gap="sm">
        <Text size="sm">
          The next run goes without it.{' '}
          {writeOnly ? 'Its value is secret, and nobody can read it back from here.' : 'Its value is gone.'}
        </Text>
        {error && <Refused title="It was not deleted" error={error} />}
      </Stack>
    </Confirm>
  )
}
