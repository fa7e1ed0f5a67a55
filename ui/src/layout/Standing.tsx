import { useEffect, useState, useSyncExternalStore } from 'react'

import { tellOtherTabs, useEnded, useSession } from '~/graphql/session'
import { link } from '~/graphql/stream'
import { Alert, Button, Group, Modal, Stack, Text } from '~/ui'

import { SignInForm } from './SignInForm'
import { ProviderButton, useWays } from './ways'

/** Servers that restart are back sooner than this: nobody has to be told. */
const PATIENCE_MS = 3_000

/**
 * What stands between the page and the server: that the session has ended, or that the server is
 * away. The page stays, with what was typed there. `again` finds out whether it can go on.
 */
export function Standing({ again, reached }: { again: () => void; reached: boolean }) {
  const ended = useEnded()
  const away = useAway()
  if (ended) return <Ended again={again} />
  if (!away) return null
  return (
    <Alert
      color="orange"
      title={reached ? 'This page does not follow what happens' : 'The server cannot be reached'}
      role="alert"
      mb="md"
    >
      {reached
        ? 'The server answers, but its live updates do not come through. Load the page again to see what is new.'
        : 'What you see is from before. This page tries again and again, and goes on by itself.'}
    </Alert>
  )
}

function useAway(): boolean {
  const up = useSyncExternalStore(link.subscribe, link.up)
  const [away, setAway] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setAway(!up), up ? 0 : PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [up])
  return away && !up
}

function Ended({ again }: { again: () => void }) {
  const [asking, setAsking] = useState(true)
  return (
    <>
      <Alert color="red" title="Your session has ended" role="alert" mb="md">
        <Group justify="space-between">
          <Text size="sm">What you see is from before, and nothing can be changed until you sign in.</Text>
          <Button size="xs" onClick={() => setAsking(true)}>
            Sign in
          </Button>
        </Group>
      </Alert>
      <Modal
        opened={asking}
        onClose={() => setAsking(false)}
        title="Your session has ended"
        closeButtonProps={{ 'aria-label': 'Look at the page first' }}
        closeOnClickOutside={false}
        // Above the dialog that somebody may be in the middle of.
        zIndex={400}
        centered
      >
        <Stack>
          <WayBack again={again} />
        </Stack>
      </Modal>
    </>
  )
}

/** The administrator's form, in which nothing is lost, or the way over the identity provider. */
function WayBack({ again }: { again: () => void }) {
  const { viewer } = useSession()
  const ways = useWays()
  const byProvider = ways?.provider && !viewer.login.startsWith('admin::')
  const here = window.location.pathname + window.location.search
  if (byProvider) {
    return (
      <>
        <Text size="sm">
          Sign in, and this page opens again. What you have typed in it does not stay: copy it first.
        </Text>
        <ProviderButton provider={ways.provider} next={here} />
      </>
    )
  }
  return (
    <>
      <Text size="sm">Sign in, and this page goes on where it is; what you have typed stays.</Text>
      <SignInForm
        name={viewer.name || viewer.login}
        onDone={() => {
          tellOtherTabs()
          again()
        }}
      />
    </>
  )
}
