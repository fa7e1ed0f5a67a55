import {
  IconDeviceDesktop,
  IconHistory,
  IconHome,
  IconLogout,
  IconMoon,
  IconSearch,
  IconServer,
  IconShieldLock,
  IconSitemap,
  IconStack2,
  IconSun,
  IconUser,
  IconVariable,
  IconWebhook,
} from '@tabler/icons-react'
import { useCallback, useEffect } from 'react'
import { Link, Navigate, NavLink as RouterLink, Outlet, useLocation, useMatches } from 'react-router'
import { useClient } from 'urql'

import { useLiveQuery } from '~/graphql/live'
import { useMovingRights } from '~/graphql/movingRights'
import { isSignedOut, problemOf } from '~/graphql/problem'
import { noteEnded, SessionProvider, SessionQuery, useSessionMoves, type Session } from '~/graphql/session'
import { useStanding } from '~/graphql/standing'
import { to } from '~/lib/paths'
import {
  ActionIcon,
  Anchor,
  AppShell,
  Box,
  Burger,
  CenteredLoader,
  Group,
  Kbd,
  Menu,
  NavLink,
  Text,
  Trouble,
  UnstyledButton,
  useDisclosure,
  useMantineColorScheme,
  warn,
} from '~/ui'

import { useArrival } from './arrival'
import { Bell } from './Bell'
import { Notices } from './Notices'
import { isOpen, OpenFrame } from './OpenFrame'
import { openPalette, Palette } from './Palette'
import classes from './Shell.module.css'
import { Standing } from './Standing'

const PLACES = [
  { label: 'Overview', path: to.home(), icon: IconHome, end: true },
  { label: 'Stacks', path: to.stacks(), icon: IconStack2, end: false },
  { label: 'Workers', path: to.workers(), icon: IconServer, end: false },
  { label: 'Contexts', path: to.contexts(), icon: IconVariable, end: false },
  { label: 'Spaces', path: to.spaces(), icon: IconSitemap, end: false },
  { label: 'Access', path: to.access(), icon: IconShieldLock, end: false, for: 'adminSomewhere' },
  { label: 'Audit', path: to.audit(), icon: IconHistory, end: false, for: 'rootAdmin' },
  { label: 'Webhooks', path: to.webhooks(), icon: IconWebhook, end: false },
  { label: 'Account', path: to.account(), icon: IconUser, end: false },
] as const

const MAIN = 'main'

/**
 * The frame of every page: who is here, where one can go, and the page itself. Whoever is not
 * signed in, or has to name the account first, is led there, but from pages that need no session.
 */
export function Shell() {
  // Nobody can follow anything without a session.
  const { data, error, fetching } = useLiveQuery(SessionQuery, {}, (known) => (known?.viewer ? ['session'] : []))
  const here = useLocation()
  const open = useMatches().some(({ handle }) => isOpen(handle))
  if (data?.viewer && data.accountIsNamed) {
    return <Frame session={{ ...data, viewer: data.viewer }} reached={!error?.networkError} />
  }
  if (open && (data || error)) return <OpenFrame main={MAIN} signedIn={data?.viewer != null} />
  if (error && !data && !isSignedOut(error)) {
    return (
      <Box p="xl" maw={720} mx="auto">
        <Trouble title="Gantry cannot be reached" {...problemOf(error)} />
      </Box>
    )
  }
  if (data?.viewer) return <Navigate to={to.setup()} replace />
  if (fetching) return <CenteredLoader />
  const next = encodeURIComponent(here.pathname + here.search + here.hash)
  return <Navigate to={`${to.signIn()}?next=${next}`} replace />
}

function Frame({ session, reached }: { session: Session; reached: boolean }) {
  const [opened, { toggle, close }] = useDisclosure(false)
  const { pathname } = useLocation()
  const look = useSessionCheck(session)
  const standing = useStanding()
  useEffect(close, [pathname, close])
  useSessionMoves(session.viewer.validUntil, look)
  useMovingRights()
  useArrival(MAIN, session.name)
  return (
    <SessionProvider value={session}>
      <a
        href={`#${MAIN}`}
        className="skip"
        onClick={(event) => {
          // What stands behind the # of the address names lines of logs.
          event.preventDefault()
          document.getElementById(MAIN)?.focus()
        }}
      >
        To the page&apos;s content
      </a>
      <AppShell
        header={{ height: 52 }}
        navbar={{ width: 200, breakpoint: 'sm', collapsed: { mobile: !opened } }}
        padding="md"
      >
        <AppShell.Header>
          <Header session={session} opened={opened} toggle={toggle} bell={standing?.adminSomewhere ?? false} />
        </AppShell.Header>
        <AppShell.Navbar p="xs" aria-label="Main">
          {PLACES.filter((place) => !('for' in place) || standing?.[place.for]).map((place) => (
            <NavLink
              key={place.path}
              component={RouterLink}
              to={place.path}
              end={place.end}
              label={place.label}
              leftSection={<place.icon size={18} stroke={1.6} aria-hidden />}
              className={classes.place ?? ''}
            />
          ))}
          <Text size="xs" c="dimmed" mt="auto" px="sm" pb={4}>
            Gantry {session.debugInfo.selfHostedVersion}
          </Text>
        </AppShell.Navbar>
        <AppShell.Main id={MAIN} tabIndex={-1}>
          <Standing again={look} reached={reached} />
          <Outlet />
        </AppShell.Main>
      </AppShell>
      <Palette />
      <Notices />
    </SessionProvider>
  )
}

/** Finds out whether the session still is, or is again, that of the person whose page this is. */
function useSessionCheck({ viewer }: Session): () => void {
  const client = useClient()
  return useCallback(() => {
    const asked = client.query(SessionQuery, {}, { requestPolicy: 'network-only' }).toPromise()
    void asked.then(({ data, error }) => {
      if (error || !data) return // the client has noted a session that has ended
      if (data.viewer?.id === viewer.id) noteEnded(false)
      // Somebody else may see other things, and what was typed is not theirs.
      else window.location.reload()
    })
  }, [client, viewer.id])
}

function Header(props: { session: Session; opened: boolean; toggle: () => void; bell: boolean }) {
  return (
    <Group h="100%" px="md" justify="space-between" wrap="nowrap">
      <Group gap="sm" wrap="nowrap">
        <Burger
          opened={props.opened}
          onClick={props.toggle}
          hiddenFrom="sm"
          size="sm"
          aria-label={props.opened ? 'Close navigation' : 'Open navigation'}
        />
        <Anchor component={Link} to={to.home()} underline="never" c="inherit">
          <Group gap={8} wrap="nowrap">
            <img src="/icon.svg" width={24} height={24} alt="" />
            <Text fw={650}>{props.session.name}</Text>
          </Group>
        </Anchor>
      </Group>
      <Group gap="xs" wrap="nowrap">
        <UnstyledButton
          onClick={openPalette}
          className={classes.search ?? ''}
          aria-label="Search and run commands"
        >
          <IconSearch size={16} aria-hidden />
          <Text size="sm" c="dimmed" visibleFrom="xs">
            Search
          </Text>
          <Kbd size="xs" visibleFrom="xs">
            Ctrl K
          </Kbd>
        </UnstyledButton>
        {props.bell && <Bell />}
        <Looks />
        <Person session={props.session} />
      </Group>
    </Group>
  )
}

const LOOKS = {
  auto: { icon: IconDeviceDesktop, next: 'light', label: 'Colours as the system has them' },
  light: { icon: IconSun, next: 'dark', label: 'Light colours' },
  dark: { icon: IconMoon, next: 'auto', label: 'Dark colours' },
} as const

function Looks() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const look = LOOKS[colorScheme]
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={`${look.label}; change`}
      title={look.label}
      onClick={() => setColorScheme(look.next)}
    >
      <look.icon size={18} stroke={1.6} />
    </ActionIcon>
  )
}

function Person({ session }: { session: Session }) {
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Signed in as ${session.viewer.name}`}>
          <IconUser size={18} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{session.viewer.name || session.viewer.login}</Menu.Label>
        <Menu.Item component={Link} to={to.account()} leftSection={<IconUser size={16} />}>
          Account
        </Menu.Item>
        <Menu.Item onClick={() => void signOut()} leftSection={<IconLogout size={16} />}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

/** Where it leads to is the page for signing in, whatever became of the session. */
async function signOut(): Promise<void> {
  try {
    // A form would not do: pages send no referrer, and a form's request then has no origin either.
    await fetch('/logout', { method: 'POST', redirect: 'manual' })
    window.location.assign(to.signIn())
  } catch {
    warn('You are still signed in', 'The server cannot be reached. Try again in a moment.')
  }
}
