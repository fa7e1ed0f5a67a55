import { Outlet, useLocation, useNavigate } from 'react-router'

import { Stack, Tabs, Title } from '~/ui'

export interface PageTab {
  key: string
  label: string
  path: string
}

/** A page of several tabs, each with its address; elsewhere beneath it the first one counts. */
export function TabbedPage({ title, tabs }: { title: string; tabs: readonly PageTab[] }) {
  const { pathname } = useLocation()
  const go = useNavigate()
  const here = (tabs.find((tab) => tab.path === pathname) ?? tabs[0])?.key ?? null
  return (
    <Stack gap="md">
      <Title order={1}>{title}</Title>
      <Tabs
        value={here}
        onChange={(key) => {
          const tab = tabs.find((one) => one.key === key)
          if (tab) void go(tab.path)
        }}
        keepMounted={false}
      >
        <Tabs.List>
          {tabs.map((tab) => (
            <Tabs.Tab key={tab.key} value={tab.key}>
              {tab.label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={here ?? ''} pt="md">
          <Outlet />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  )
}
