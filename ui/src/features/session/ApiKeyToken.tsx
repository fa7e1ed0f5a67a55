import { useState } from 'react'
import { useSearchParams } from 'react-router'

import { tellOtherTabs } from '~/graphql/session'
import { to } from '~/lib/paths'
import { post, type Refusal } from '~/lib/post'
import { Anchor, Button, PasswordInput, Stack, Text, TextInput, Trouble } from '~/ui'

import { Doorstep } from './Doorstep'
import { ownAddress } from './next'

/** An API key's way into the pages: for when the identity provider does not answer. */
export default function ApiKeyToken() {
  const [params] = useSearchParams()
  const [refusal, setRefusal] = useState<Refusal>()
  const [busy, setBusy] = useState(false)

  async function exchange(form: FormData) {
    setBusy(true)
    setRefusal(undefined)
    const answer = await post('/apikeytoken', {
      id: String(form.get('id')),
      secret: String(form.get('secret')),
    })
    setBusy(false)
    if ('refusal' in answer) {
      setRefusal(answer.refusal)
      return
    }
    tellOtherTabs()
    window.location.assign(ownAddress(params.get('next')))
  }

  return (
    <Doorstep title="Sign in with an API key">
      <Text size="sm" c="dimmed">
        The pages then show what the key may see, for an hour. A key of an administrator, kept in a safe
        place, opens the account when single sign-on does not work.
      </Text>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void exchange(new FormData(event.currentTarget))
        }}
      >
        <Stack>
          {refusal && <Trouble title="You are not signed in" {...refusal} />}
          <TextInput name="id" label="Key id" autoComplete="off" spellCheck={false} required data-autofocus />
          <PasswordInput name="secret" label="Secret" autoComplete="off" required />
          <Button type="submit" loading={busy}>
            Exchange
          </Button>
        </Stack>
      </form>
      <Anchor href={to.signIn()} size="sm" ta="center">
        Other ways to sign in
      </Anchor>
    </Doorstep>
  )
}
