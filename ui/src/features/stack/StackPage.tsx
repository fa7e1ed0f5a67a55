import { useEffect, useRef, useState } from 'react'
import { Link, Outlet, useLocation, useNavigate, useParams } from 'react-router'
import { useQuery } from 'urql'

import { useSignals } from '~/graphql/live'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Anchor, Breadcrumbs, Coming, Empty, Stack, Tabs } from '~/ui'

import { HereProvider, StackQuery, type StackHead } from './here'
import { StackHeader } from './StackHeader'
import { StackStanding } from './StackStanding'
import { TABS } from './tabs'

/** A stack: what it is and where it stands, above the page of it that is open. */
export default function StackPage() {
  const { stackId = '' } = useParams()
  // One after the other: pages of two stacks share nothing.
  return <Loaded key={stackId} id={stackId} />
}

function Loaded({ id }: { id: string }) {
  const [moved, setMoved] = useState(0)
  const runs = {
    first: 1,
    predicates: [
      { field: 'stack', constraint: { stringMatches: [id] } },
      { field: 'type', constraint: { stringMatches: ['TRACKED', 'DESTROY'] } },
    ],
  }
  const [{ data, error }, ask] = useQuery({ query: StackQuery, variables: { id, runs } })
  const live = useSignals([`stack:${id}`], () => {
    ask({ requestPolicy: 'network-only' })
    setMoved((times) => times + 1)
  })
  if (error && !data) return <Refused title="This stack could not be loaded" error={error} />
  if (!data) return <Coming height={480} />
  const { stack } = data
  if (!stack) {
    return (
      <Empty
        title="There is no such stack"
        action={
          <Anchor component={Link} to={to.stacks()}>
            To all stacks
          </Anchor>
        }
      >
        It may have been deleted, have another id now, or you may not see it.
      </Empty>
    )
  }
  const newest = stack.blocker?.id ?? data.searchRuns.edges[0]?.node.run.id
  return (
    <HereProvider value={{ stack, moved }}>
      <Stack gap="md">
        <Breadcrumbs>
          <Anchor component={Link} to={to.stacks()}>
            Stacks
          </Anchor>
          <span>{stack.name}</span>
        </Breadcrumbs>
        <StackHeader stack={stack} newestRun={newest} live={live} />
        <StackStanding stack={stack} />
        <Pages stack={stack} />
      </Stack>
    </HereProvider>
  )
}

function Pages({ stack }: { stack: StackHead }) {
  const go = useNavigate()
  const { pathname } = useLocation()
  const open = pathname.split('/')[3] ?? ''
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // On a narrow screen the open one may stand beyond the edge.
    list.current?.querySelector(`[data-tab="${open}"]`)?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [open])
  return (
    <Tabs
      value={open || 'runs'}
      onChange={(tab) => {
        if (tab) void go(tab === 'runs' ? to.stack(stack.id) : to.stackTab(stack.id, tab))
      }}
    >
      <Tabs.List ref={list}>
        {TABS.map((tab) => (
          <Tabs.Tab key={tab.path} value={tab.path || 'runs'} data-tab={tab.path}>
            {tab.label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={open || 'runs'} pt="md">
        <Outlet />
      </Tabs.Panel>
    </Tabs>
  )
}
