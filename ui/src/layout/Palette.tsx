import { Spotlight, spotlight } from '@mantine/spotlight'
import {
  IconArrowRight,
  IconBolt,
  IconClock,
  IconPlayerPlay,
  IconSearch,
  IconSitemap,
  IconStack2,
  IconVariable,
} from '@tabler/icons-react'
import { useState, type ReactNode } from 'react'
import { useNavigate } from 'react-router'
import { useQuery } from 'urql'

import { pathOf, useSpaces, type SomeSpace } from '~/access/spaces'
import { graphql, type ResultOf } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { useSession } from '~/graphql/session'
import { useStanding, type Standing } from '~/graphql/standing'
import { usePageCommands, type Command } from '~/lib/commands'
import { to } from '~/lib/paths'
import { opened } from '~/lib/recent'
import { useDebouncedValue, warn } from '~/ui'

import { useStackCommands } from './StackCommands'

export const openPalette = () => spotlight.open()

const FindQuery = graphql(`
  query Find($text: String!) {
    searchStacks(input: { first: 8, fullTextSearch: $text }) {
      edges {
        node {
          id
          name
          state
          spaceDetails {
            name
          }
        }
      }
    }
    searchContexts(input: { first: 4, fullTextSearch: $text }) {
      edges {
        node {
          id
          name
          spaceDetails {
            name
          }
        }
      }
    }
    searchRuns(input: { first: 6, fullTextSearch: $text }) {
      edges {
        node {
          run {
            id
            title
            type
            state
          }
          stack {
            id
            name
          }
        }
      }
    }
  }
`)

const PAGES = [
  { label: 'Overview', path: to.home() },
  { label: 'Stacks', path: to.stacks() },
  { label: 'Stacks that need a decision', path: `${to.stacks()}?f.state=UNCONFIRMED` },
  { label: 'Stacks that failed', path: `${to.stacks()}?f.state=FAILED` },
  { label: 'Stacks that are locked', path: `${to.stacks()}?f.locked=true` },
  { label: 'Create a stack', path: to.newStack() },
  { label: 'Workers', path: to.workers() },
  { label: 'Webhooks', path: to.webhooks() },
  { label: 'Create a webhook', path: to.newWebhook() },
  { label: "Audit trail's webhook", path: to.auditWebhook() },
  { label: 'Contexts', path: to.contexts() },
  { label: 'Create a context', path: to.newContext() },
  { label: 'Spaces', path: to.spaces() },
  { label: 'Roles', path: to.roles(), for: 'adminSomewhere' },
  { label: 'Create a role', path: to.newRole(), for: 'rootAdmin' },
  { label: 'Users', path: to.users(), for: 'rootAdmin' },
  { label: 'Groups', path: to.groups(), for: 'rootAdmin' },
  { label: 'API keys', path: to.apiKeys(), for: 'adminSomewhere' },
  { label: 'Notifications', path: to.notifications(), for: 'adminSomewhere' },
  { label: 'Audit', path: to.audit(), for: 'rootAdmin' },
  { label: 'Account', path: to.account() },
  { label: 'What you may do, and why', path: to.accountTab('rights') },
] as const satisfies readonly { label: string; path: string; for?: keyof Standing }[]

/** As many spaces as are seen beside everything else; more letters find the others. */
const SPACES = 5

interface Entry {
  id: string
  label: string
  description?: string
  leftSection: ReactNode
  onClick: () => void
}

/** Ctrl-K: what can be done here, and every stack, run and page by a few letters. */
export function Palette() {
  const [text, setText] = useState('')
  const typed = text.trim()
  const [wanted] = useDebouncedValue(typed, 150)
  const [{ data, error, fetching }] = useQuery({
    query: FindQuery,
    variables: { text: asId(wanted) },
    pause: wanted === '',
  })
  const found = typed !== '' && wanted !== '' ? data : undefined
  const coming = typed !== wanted || fetching
  const { dialogs, commands } = useStackCommands()
  const spaces = useSpaces({ pause: wanted === '' })
  const groups = useGroups(typed.toLowerCase(), found, spaces ?? [], [...usePageCommands(), ...commands])
  let nothing = 'Nothing has these letters.'
  if (error) nothing = problemOf(error).sentence
  else if (coming) nothing = 'Looking…'
  return (
    <>
      <Spotlight
        actions={groups}
        query={text}
        onQueryChange={setText}
        // The server has looked already; what is ours is filtered below.
        filter={(_, actions) => actions}
        shortcut={['mod + K']}
        nothingFound={nothing}
        highlightQuery
        clearQueryOnClose
        attributes={{ content: { 'aria-label': 'Search, and what can be done' } }}
        scrollable
        maxHeight={460}
        // More is found than fits: the list can also be scrolled by keyboard.
        scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}
        searchProps={{
          leftSection: <IconSearch size={18} aria-hidden />,
          placeholder: 'Stacks, runs, pages, and what can be done here',
          'aria-label': 'Stacks, runs, pages, and what can be done here',
        }}
      />
      {dialogs}
    </>
  )
}

/** Ids are written in capitals, and found whole. */
function asId(text: string): string {
  return /^[0-9a-z]{26}$/i.test(text) ? text.toUpperCase() : text
}

function useGroups(
  letters: string,
  found: ResultOf<typeof FindQuery> | undefined,
  spaces: readonly SomeSpace[],
  commands: readonly Command[],
): { group: string; actions: Entry[] }[] {
  const go = useNavigate()
  const { viewer } = useSession()
  const has = (label: string) => label.toLowerCase().includes(letters)
  const here = commands
    .filter(({ label }) => has(label))
    .map(({ id, label, why, act }) => ({
      id: `command ${id}`,
      label,
      leftSection: <IconBolt size={18} stroke={1.6} aria-hidden />,
      ...(why ? { description: `Not now: ${why}` } : {}),
      onClick: () => (why ? warn(label, why) : act()),
    }))
  const lately = opened(viewer.login)
    .filter(({ label, about }) => has(label) || has(about))
    .map(({ path, label, about }) => ({
      id: `opened ${path}`,
      label,
      description: about,
      leftSection: <IconClock size={18} stroke={1.6} aria-hidden />,
      onClick: () => void go(path),
    }))
  const stacks = (found?.searchStacks.edges ?? []).map(({ node }) => ({
    id: `stack ${node.id}`,
    label: node.name,
    description: `${node.spaceDetails.name} · ${words(node.state)}`,
    leftSection: <IconStack2 size={18} stroke={1.6} aria-hidden />,
    onClick: () => void go(to.stack(node.id)),
  }))
  const runs = (found?.searchRuns.edges ?? []).map(({ node: { run, stack } }) => ({
    id: `run ${run.id}`,
    label: run.title || run.id,
    description: `${words(run.type)} run of ${stack.name} · ${words(run.state)}`,
    leftSection: <IconPlayerPlay size={18} stroke={1.6} aria-hidden />,
    onClick: () => void go(to.run(stack.id, run.id)),
  }))
  const standing = useStanding()
  const contexts = (found?.searchContexts.edges ?? []).map(({ node }) => ({
    id: `context ${node.id}`,
    label: node.name,
    description: `context in ${node.spaceDetails.name}`,
    leftSection: <IconVariable size={18} stroke={1.6} aria-hidden />,
    onClick: () => void go(to.context(node.id)),
  }))
  const named = (letters === '' ? [] : spaces)
    .filter(({ name }) => has(name))
    .slice(0, SPACES)
    .map(({ id, name }) => ({
      id: `space ${id}`,
      label: name,
      description: pathOf(spaces, id),
      leftSection: <IconSitemap size={18} stroke={1.6} aria-hidden />,
      onClick: () => void go(to.space(id)),
    }))
  const pages = PAGES.filter((one) => has(one.label) && (!('for' in one) || standing?.[one.for])).map(({ label, path }) => ({
    id: `page ${path}`,
    label,
    leftSection: <IconArrowRight size={18} stroke={1.6} aria-hidden />,
    onClick: () => void go(path),
  }))
  return [
    { group: 'Here', actions: here },
    { group: 'Opened lately', actions: lately },
    { group: 'Stacks', actions: stacks },
    { group: 'Runs', actions: runs },
    { group: 'Contexts', actions: contexts },
    { group: 'Spaces', actions: named },
    { group: 'Pages', actions: pages },
  ].filter(({ actions }) => actions.length > 0)
}

function words(state: string): string {
  return state === 'NONE' ? 'no run yet' : state.toLowerCase().replaceAll('_', ' ')
}
