import { useEffect } from 'react'
import { useSearchParams } from 'react-router'

import { tellOtherTabs } from '~/graphql/session'
import { SignInForm } from '~/layout/SignInForm'
import { to } from '~/lib/paths'
import { Card, Coming, Stack, Title } from '~/ui'

import { SwitchedOff, useWays } from './ways'

/** The page for signing in. Single sign-on gets its place above the form. */
export default function SignIn() {
  const [params] = useSearchParams()
  const ways = useWays()
  // Whoever has just signed out is led here; pages in other tabs learn of it.
  useEffect(tellOtherTabs, [])
  return (
    <Stack mih="100vh" align="center" justify="center" p="md" component="main">
      <title>Sign in · Gantry</title>
      <Card withBorder w="100%" maw={380} p="xl">
        <Stack>
          <Stack gap={4} align="center">
            <img src="/icon.svg" width={44} height={44} alt="" />
            <Title order={1} size="h2">
              Sign in to Gantry
            </Title>
          </Stack>
          {!ways && <Coming height={180} />}
          {ways && !ways.password && <SwitchedOff />}
          {ways?.password && (
            <SignInForm
              onDone={() => {
                tellOtherTabs()
                window.location.assign(ownAddress(params.get('next')))
              }}
            />
          )}
        </Stack>
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
