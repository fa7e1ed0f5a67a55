import { useState } from 'react'
import { useSearchParams } from 'react-router'

import { to } from '~/lib/paths'
import { Alert, Button, Card, PasswordInput, Stack, TextInput, Title } from '~/ui'

/** The built-in administrator's sign-in. Single sign-on gets its place above the form. */
export default function SignIn() {
  const [params] = useSearchParams()
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)

  async function signIn(form: FormData) {
    setBusy(true)
    setProblem(undefined)
    try {
      const answer = await fetch('/session', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          username: form.get('username'),
          password: form.get('password'),
        }),
      })
      if (answer.ok) {
        window.location.assign(ownAddress(params.get('next')))
        return
      }
      const said = (await answer.json()) as { message?: string }
      setProblem(said.message ?? 'The server did not say why it refused.')
    } catch {
      setProblem('The server cannot be reached. Try again in a moment.')
    }
    setBusy(false)
  }

  return (
    <Stack mih="100vh" align="center" justify="center" p="md" component="main">
      <Card withBorder w="100%" maw={380} p="xl">
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void signIn(new FormData(event.currentTarget))
          }}
        >
          <Stack>
            <Stack gap={4} align="center">
              <img src="/icon.svg" width={44} height={44} alt="" />
              <Title order={1} size="h2">
                Sign in to Gantry
              </Title>
            </Stack>
            {problem && (
              <Alert color="red" role="alert">
                {problem}
              </Alert>
            )}
            <TextInput name="username" label="User name" autoComplete="username" required autoFocus />
            <PasswordInput
              name="password"
              label="Password"
              autoComplete="current-password"
              required
            />
            <Button type="submit" loading={busy}>
              Sign in
            </Button>
          </Stack>
        </form>
      </Card>
    </Stack>
  )
}

/** Where to go on: a path of ours, whatever somebody has put into the link. */
export function ownAddress(next: string | null): string {
  if (!next) return to.home()
  const target = new URL(next, window.location.origin)
  const ours = target.origin === window.location.origin && !target.pathname.startsWith('//')
  return ours ? target.pathname + target.search + target.hash : to.home()
}
