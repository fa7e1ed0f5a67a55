import { useState } from 'react'
import { Link } from 'react-router'
import { useMutation } from 'urql'

import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Action, Alert, Anchor, Button, CopyBlock, CopyText, Group, Modal, Stack, Text, TextInput, When } from '~/ui'

import { InviteMutation, type Invited } from './documents'
import { letter } from './words'

interface Props {
  /** Whether an identity provider vouches for anybody. */
  providers: boolean
  onClose: () => void
  onDone: () => void
}

/** Invites somebody, and shows what to pass on to them: no mail is sent. */
export function Invite({ providers, onClose, onDone }: Props) {
  const [made, setMade] = useState<Invited>()
  return (
    <Modal opened onClose={onClose} title={made ? `${made.username} is invited` : 'Invite somebody'} size="lg">
      {made ? (
        <PassOn invited={made} onClose={onClose} />
      ) : (
        <Asking
          providers={providers}
          onClose={onClose}
          onMade={(invited) => {
            setMade(invited)
            onDone()
          }}
        />
      )}
    </Modal>
  )
}

function Asking(props: { providers: boolean; onClose: () => void; onMade: (made: Invited) => void }) {
  const [{ fetching, error }, invite] = useMutation(InviteMutation)
  const [username, setUsername] = useState('')
  const [email, setEmail] = useState('')
  const why = username.trim() === '' ? 'Say their name first.' : undefined
  const send = async () => {
    const input = { username, invitationEmail: email.trim() || null }
    const { data } = await invite({ input })
    if (data?.managedUserInviteV2) props.onMade(data.managedUserInviteV2)
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!why) void send()
      }}
    >
      <Stack>
        {!props.providers && <NoProvider />}
        <TextInput
          label="User name"
          description="Exactly the one that the identity provider has them by. One with an @ is taken only by whose address it is."
          placeholder="ada"
          value={username}
          onChange={(event) => setUsername(event.currentTarget.value)}
          maxLength={255}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
        />
        <TextInput
          label="E-mail address"
          description="Safer, as people may choose their names: with one, only whoever has this address is let in, by whatever name. The provider has to say that it is verified; if it verifies none, leave this empty."
          placeholder="ada@example.com"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          inputMode="email"
          autoComplete="off"
          spellCheck={false}
        />
        {error && <Refused title="Nobody was invited" error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onClose}>
            Cancel
          </Button>
          <Action type="submit" loading={fetching} why={why}>
            Invite them
          </Action>
        </Group>
      </Stack>
    </form>
  )
}

/** An invitation alone opens nothing: somebody has to vouch for whoever comes. */
function NoProvider() {
  return (
    <Alert color="yellow" title="No identity provider is set up">
      <Text size="sm">
        People sign in with the word of one. Until it is there, nobody can accept an invitation.{' '}
        <Anchor component={Link} to={to.accountTab('sign-on')} inherit underline="always">
          Set up single sign-on
        </Anchor>
      </Text>
    </Alert>
  )
}

interface PassOnProps {
  invited: Invited
  onClose: () => void
}

/** What an administrator has to tell whoever is invited. */
export function PassOn({ invited, onClose }: PassOnProps) {
  const address = `${window.location.origin}${to.signIn()}`
  const words = letter(address, { username: invited.username, email: invited.invitationEmail })
  return (
    <Stack>
      <Text size="sm">
        Gantry sends no mail: pass this on.{' '}
        {invited.invitationExpiresAt === null ? (
          'The invitation begins once people are let in by invitation.'
        ) : (
          <>
            The invitation ends <When at={invited.invitationExpiresAt} />.
          </>
        )}
      </Text>
      <CopyText label="Sign-in address" value={address} />
      <CopyBlock label="Words to send" text={words} />
      <Text size="sm">They may do nothing until they are given a role, or are in a group that has one.</Text>
      <Group justify="flex-end">
        <Button variant="default" component={Link} to={to.user(invited.id)} onClick={onClose}>
          Give them a role
        </Button>
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  )
}
