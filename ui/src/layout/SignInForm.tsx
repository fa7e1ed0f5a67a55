import { useState } from 'react'

import { post, type Refusal } from '~/lib/post'
import { Button, PasswordInput, Stack, TextInput, Trouble } from '~/ui'

/** The built-in administrator's way in. The cookie that it gets, no script can read. */
export function SignInForm({ onDone, name = '' }: { onDone: () => void; name?: string }) {
  const [refusal, setRefusal] = useState<Refusal>()
  const [busy, setBusy] = useState(false)

  async function signIn(form: FormData) {
    setBusy(true)
    setRefusal(undefined)
    const answer = await post('/session', {
      username: form.get('username'),
      password: form.get('password'),
    })
    setBusy(false)
    if ('refusal' in answer) setRefusal(answer.refusal)
    else onDone()
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void signIn(new FormData(event.currentTarget))
      }}
    >
      <Stack>
        {refusal && <Trouble title="You are not signed in" {...refusal} />}
        <TextInput
          name="username"
          label="User name"
          autoComplete="username"
          defaultValue={name}
          required
          autoFocus={!name}
          data-autofocus={!name || undefined}
        />
        <PasswordInput
          name="password"
          label="Password"
          autoComplete="current-password"
          required
          autoFocus={!!name}
          data-autofocus={!!name || undefined}
        />
        <Button type="submit" loading={busy}>
          Sign in
        </Button>
      </Stack>
    </form>
  )
}
