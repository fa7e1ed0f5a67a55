import { Outlet, useLocation, useNavigate } from 'react-router'

import { to } from '~/lib/paths'
import { Stack, Tabs, Title } from '~/ui'

const TABS = [
  { key: 'profile', label: 'Profile', path: to.account() },
  { key: 'rights', label: 'What you may do', path: to.accountTab('rights') },
  { key: 'sessions', label: 'Sessions', path: to.accountTab('sessions') },
  { key: 'sign-on', label: 'Single sign-on', path: to.accountTab('sign-on') },
  { key: 'health', label: 'Versions and health', path: to.accountTab('health') },
] as const

/** Everything about whoever is signed in, and about the installation. Each tab has its address. */
export default function AccountPage() {
  const { pathname } = useLocation()
  const go = useNavigate()
  const here = TABS.find((tab) => tab.path === pathname)?.key ?? 'profile'
  return (
    <Stack gap="md">
      <Title order={1}>Account</Title>
      <Tabs
        value={here}
        onChange={(key) => {
          const tab = TABS.find((one) => one.key === key)
          if (tab) void go(tab.path)
        }}
        keepMounted={false}
      >
        <Tabs.List>
          {TABS.map((tab) => (
            <Tabs.Tab key={tab.key} value={tab.key}>
              {tab.label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={here} pt="md">
          <Outlet />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  )
}
