import { useMutation } from 'urql'

import { problemOf } from '~/graphql/problem'
import { Confirm, Stack, Text, When, tell, warn } from '~/ui'

import { DeleteMutation, type Key, type KeyRow } from './documents'

interface Props {
  leaving: Pick<Key & KeyRow, 'id' | 'name' | 'type' | 'lastUsedAt' | 'openSessions'>
  onClose: () => void
  onDone: () => void
}

/** Asks before a program's way in is closed. */
export function DeleteKey({ leaving, onClose, onDone }: Props) {
  const [{ fetching }, remove] = useMutation(DeleteMutation)
  const open = leaving.openSessions
  return (
    <Confirm
      opened
      title={`Delete API key ${leaving.name}?`}
      verb="Delete the key"
      dangerous
      busy={fetching}
      onClose={onClose}
      onConfirm={() =>
        void remove({ id: leaving.id }).then(({ error }) => {
          if (error) warn('The key was not deleted', problemOf(error))
          else tell(`API key ${leaving.name} is deleted`, 'Nobody can sign in with it any more.')
          onClose()
          if (!error) onDone()
        })
      }
    >
      <Stack gap="xs">
        <Text size="sm">
          Whatever signs in with <code>{leaving.id}</code> stops working at once, and for good
          {leaving.type === 'SECRET' ? ': the secret cannot be brought back.' : ': tokens are taken for it no more.'} The
          roles that it was given go with it.
        </Text>
        <Text size="sm">
          {leaving.lastUsedAt ? (
            <>
              It was last used <When at={leaving.lastUsedAt} />.{' '}
            </>
          ) : (
            'It was never used. '
          )}
          {open === 0
            ? 'Nobody is signed in with it now.'
            : `${open} ${open === 1 ? 'session that is' : 'sessions that are'} open with it now ${open === 1 ? 'ends' : 'end'} too.`}
        </Text>
      </Stack>
    </Confirm>
  )
}
