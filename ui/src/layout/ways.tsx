import { useEffect, useState } from 'react'

import { Alert, Button, Text } from '~/ui'

/** Ways of signing in that the installation offers. */
export interface Ways {
  password: boolean
  provider: 'OIDC' | 'SAML' | 'GITHUB' | null
}

/** What to believe when the server cannot say: then signing in will tell. */
const UNKNOWN: Ways = { password: true, provider: null }

/** What the server offers. */
export function useWays(): Ways | undefined {
  const [ways, setWays] = useState<Ways>()
  useEffect(() => {
    const asking = new AbortController()
    fetch('/session', { signal: asking.signal })
      .then(async (answer) => setWays(answer.ok ? ((await answer.json()) as Ways) : UNKNOWN))
      .catch(() => {
        if (!asking.signal.aborted) setWays(UNKNOWN)
      })
    return () => asking.abort()
  }, [])
  return ways
}

/** Leads to the identity provider, and from there back to `next`. */
export function ProviderButton({ provider, next }: { provider: Ways['provider']; next: string }) {
  if (!provider) return null
  return (
    <Button component="a" href={`/sign-on?next=${encodeURIComponent(next)}`} fullWidth>
      {provider === 'GITHUB' ? 'Sign in with GitHub' : 'Sign in with single sign-on'}
    </Button>
  )
}

/** Nobody can sign in at the page: says why, and what would change it. */
export function SwitchedOff() {
  return (
    <Alert color="yellow" title="The administrator cannot sign in here">
      <Text size="sm">
        ADMIN_USERNAME and ADMIN_PASSWORD are not set on the server, so there is no way to sign in at
        this page but with an API key. Set both and start the server again. Programs sign in with
        their API keys as before.
      </Text>
    </Alert>
  )
}
