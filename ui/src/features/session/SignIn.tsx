import { useEffect, useState } from 'react'
import { useSearchParams } from 'react-router'

import { tellOtherTabs } from '~/graphql/session'
import { SignInForm } from '~/layout/SignInForm'
import { ProviderButton, SwitchedOff, useWays, type Ways } from '~/layout/ways'
import { Button, Coming, Stack, Trouble } from '~/ui'

import { Doorstep } from './Doorstep'
import { ownAddress } from './next'
import { wordsFor } from './problems'

/** The page for signing in: with the identity provider, if there is one, and as administrator. */
export default function SignIn() {
  const [params] = useSearchParams()
  const ways = useWays()
  const problem = params.get('problem')
  const next = ownAddress(params.get('next'))
  // Whoever has just signed out is led here; pages in other tabs learn of it.
  useEffect(tellOtherTabs, [])
  return (
    <Doorstep title="Sign in to Gantry" page="Sign in">
      {problem && (
        <Trouble
          title="You are not signed in"
          sentence={wordsFor(problem)}
          code={/^[A-Z_]{1,64}$/.test(problem) ? problem : undefined}
        />
      )}
      {ways ? <Offered ways={ways} next={next} /> : <Coming height={180} />}
    </Doorstep>
  )
}

function Offered({ ways, next }: { ways: Ways; next: string }) {
  const [asAdmin, setAsAdmin] = useState(false)
  const form = (
    <SignInForm
      onDone={() => {
        tellOtherTabs()
        window.location.assign(next)
      }}
    />
  )
  if (!ways.provider) return ways.password ? form : <SwitchedOff />
  return (
    <Stack>
      <ProviderButton provider={ways.provider} next={next} />
      {ways.password && !asAdmin && (
        <Button variant="subtle" size="compact-sm" aria-expanded={false} onClick={() => setAsAdmin(true)}>
          Sign in as the administrator
        </Button>
      )}
      {ways.password && asAdmin && form}
    </Stack>
  )
}
