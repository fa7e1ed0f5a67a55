import { useState } from 'react'

import { Alert, Button, PasswordInput, Stack, TextInput } from '~/ui'

/** The built-in administrator's way in. The cookie that it gets, no script can read. */
export function SignInForm({ onDone, name = '' }: { onDone: () => void; name?: string }) {
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)

  async function signIn(form: FormData) {
    setBusy(true)
    setProblem(undefined)
    const refusal = await refusalOf(form)
    setBusy(false)
    if (refusal === undefined) onDone()
    else setProblem(refusal)
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void signIn(new FormData(event.currentTarget))
      }}
    >
      <Stack>
        {problem && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
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

/** Why nobody is signed in; nothing if somebody is. */
async function refusalOf(form: FormData): Promise<string | undefined> {
  try {
    const answer = await fetch('/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: form.get('username'), password: form.get('password') }),
    })
    if (answer.ok) return undefined
    const said = (await answer.json()) as { message?: string }
    return said.message ?? 'The server did not say why it refused.'
  } catch {
    return 'The server cannot be reached. Try again in a moment.'
  }
}
