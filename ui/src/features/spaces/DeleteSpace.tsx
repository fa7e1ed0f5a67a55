import { useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Confirm, Stack, Text, tell } from '~/ui'

import { DeleteMutation, type Space } from './documents'

/** Asks before an empty space goes. */
export function DeleteSpace(props: { space: Space; onClose: () => void; onDone: () => void }) {
  const { space } = props
  const go = useNavigate()
  const [{ fetching, error }, remove] = useMutation(DeleteMutation)
  return (
    <Confirm
      opened
      title={`Delete space ${space.name}?`}
      verb="Delete the space"
      dangerous
      busy={fetching}
      onClose={props.onClose}
      onConfirm={() =>
        void remove({ space: space.id }).then(({ data }) => {
          if (!data) return
          tell(`Space ${space.name} is deleted`)
          props.onDone()
          void go(space.parentSpace ? to.space(space.parentSpace) : to.spaces())
        })
      }
    >
      <Stack gap="sm">
        <Text size="sm">
          It is empty. What was given in it goes with it: whoever had a role only here has none any more.
        </Text>
        {error && <Refused title="The space was not deleted" error={error} />}
      </Stack>
    </Confirm>
  )
}
