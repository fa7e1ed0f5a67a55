import { useEffect, useState } from 'react'

import { Alert, Text } from '~/ui'

/** Ways of signing in that the installation offers. */
interface Ways {
  password: boolean
}

/** What the server offers; the form is shown when it cannot say: then signing in will tell. */
export function useWays(): Ways | undefined {
  const [ways, setWays] = useState<Ways>()
  useEffect(() => {
    const asking = new AbortController()
    fetch('/session', { signal: asking.signal })
      .then(async (answer) => setWays(answer.ok ? ((await answer.json()) as Ways) : { password: true }))
      .catch(() => {
        if (!asking.signal.aborted) setWays({ password: true })
      })
    return () => asking.abort()
  }, [])
  return ways
}

/** Nobody can sign in at the page: says why, and what would change it. */
export function SwitchedOff() {
  return (
    <Alert color="yellow" title="The administrator cannot sign in here">
      <Text size="sm">
        ADMIN_USERNAME and ADMIN_PASSWORD are not set on the server, so there is no way to sign in at
        this page. Set both and start the server again. Programs sign in with their API keys as
        before.
      </Text>
    </Alert>
  )
}
