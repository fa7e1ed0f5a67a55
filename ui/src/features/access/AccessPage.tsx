import { Outlet, useLocation, useNavigate } from 'react-router'

import { to } from '~/lib/paths'
import { Stack, Tabs, Title } from '~/ui'

const TABS = [
  { key: 'roles', label: 'Roles', path: to.roles() },
  { key: 'users', label: 'Users', path: to.users() },
  { key: 'groups', label: 'Groups', path: to.groups() },
  { key: 'api-keys', label: 'API keys', path: to.apiKeys() },
] as const

/** Who may do what: roles, and those whom they are given to. Each tab has its address. */
export default function AccessPage() {
  const { pathname } = useLocation()
  const go = useNavigate()
  const here = TABS.find((tab) => tab.path === pathname)?.key ?? 'roles'
  return (
    <Stack gap="md">
      <Title order={1}>Access</Title>
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
