import { useState } from 'react'
import { useMutation } from 'urql'

import { problemOf } from '~/graphql/problem'
import { Button, Confirm, Group, Stack, Text, tell, warn } from '~/ui'

import { DeleteGitHub, DeleteOidc, DeleteSaml } from './documents'
import { KINDS, type Kind } from './kinds'

/** Takes the provider away, after saying whom that shuts out. */
export function Deletion({ kind, onDone }: { kind: Kind; onDone: () => void }) {
  const [asking, setAsking] = useState(false)
  const [oidc, deleteOidc] = useMutation(DeleteOidc)
  const [saml, deleteSaml] = useMutation(DeleteSaml)
  const [github, deleteGitHub] = useMutation(DeleteGitHub)

  async function remove() {
    const how = { OIDC: deleteOidc, SAML: deleteSaml, GITHUB: deleteGitHub }
    const { error } = await how[kind]({})
    setAsking(false)
    if (error) warn('Single sign-on was not deleted', problemOf(error))
    else tell('Single sign-on is deleted', 'The administrator and API keys get in, and nobody else.')
    onDone()
  }

  return (
    <Group justify="space-between">
      <Text size="sm" maw={520}>
        Everybody who signs in with it is signed out. The administrator and API keys go on.
      </Text>
      <Button color="red" variant="light" onClick={() => setAsking(true)}>
        Delete single sign-on
      </Button>
      <Confirm
        opened={asking}
        title={`Delete sign-on with ${KINDS[kind]}?`}
        verb="Delete single sign-on"
        dangerous
        busy={oidc.fetching || saml.fetching || github.fetching}
        onClose={() => setAsking(false)}
        onConfirm={() => void remove()}
      >
        <Stack gap="xs">
          <Text size="sm">
            Every session that was opened with it ends now, yours too if it was. Whoever signed in with it
            is not known any more, and has to be invited again to sign in with another provider; runs, and
            what they did, keep their names.
          </Text>
          <Text size="sm">The client secret and the settings cannot be brought back from here.</Text>
        </Stack>
      </Confirm>
    </Group>
  )
}
