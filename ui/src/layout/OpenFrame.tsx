import { Link, Outlet } from 'react-router'

import { to } from '~/lib/paths'
import { Anchor, Box, Group, Text } from '~/ui'

import { useArrival } from './arrival'

/** What a route says of itself whose page needs no session: `handle: OPEN`. */
export const OPEN = { needsNoSession: true }

export function isOpen(handle: unknown): boolean {
  return handle === OPEN
}

/** The frame of pages that need no session, for people without one, or whose account has no name yet. */
export function OpenFrame({ main, signedIn }: { main: string; signedIn: boolean }) {
  useArrival(main, 'Gantry')
  return (
    <Box maw={900} mx="auto">
      <Group component="header" h={52} px="md" justify="space-between" wrap="nowrap">
        <Group gap={8} wrap="nowrap">
          <img src="/icon.svg" width={24} height={24} alt="" />
          <Text fw={650}>Gantry</Text>
        </Group>
        <Anchor component={Link} to={signedIn ? to.setup() : to.signIn()} size="sm">
          {signedIn ? 'To the set-up' : 'Sign in'}
        </Anchor>
      </Group>
      <Box component="main" id={main} tabIndex={-1} p="md">
        <Outlet />
      </Box>
    </Box>
  )
}
