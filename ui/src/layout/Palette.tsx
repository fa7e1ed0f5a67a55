import { Spotlight, spotlight } from '@mantine/spotlight'
import { IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useQuery } from 'urql'

import { graphql } from '~/graphql/gql'
import { to } from '~/lib/paths'
import { useDebouncedValue } from '~/ui'

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
    searchRuns(input: { first: 6, fullTextSearch: $text }) {
      edges {
        node {
          run {
            id
            title
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
  { label: 'Create a stack', path: to.newStack() },
  { label: 'Workers', path: to.workers() },
  { label: 'Account', path: to.account() },
  { label: 'API keys', path: to.accountTab('api-keys') },
]

/** Ctrl-K: pages, stacks and runs by a few letters. */
export function Palette() {
  const go = useNavigate()
  const [text, setText] = useState('')
  const [wanted] = useDebouncedValue(text.trim(), 150)
  const [{ data }] = useQuery({ query: FindQuery, variables: { text: wanted }, pause: wanted === '' })
  const found = wanted === '' ? undefined : data
  const letters = text.trim().toLowerCase()

  const groups = [
    {
      group: 'Pages',
      actions: PAGES.filter((page) => page.label.toLowerCase().includes(letters)).map((page) => ({
        id: page.path,
        label: page.label,
        onClick: () => void go(page.path),
      })),
    },
    {
      group: 'Stacks',
      actions: (found?.searchStacks.edges ?? []).map(({ node }) => ({
        id: `stack ${node.id}`,
        label: node.name,
        description: `${node.spaceDetails.name} · ${node.state.toLowerCase()}`,
        onClick: () => void go(to.stack(node.id)),
      })),
    },
    {
      group: 'Runs',
      actions: (found?.searchRuns.edges ?? []).map(({ node }) => ({
        id: `run ${node.run.id}`,
        label: node.run.title || node.run.id,
        description: `${node.stack.name} · ${node.run.state.toLowerCase()}`,
        onClick: () => void go(to.run(node.stack.id, node.run.id)),
      })),
    },
  ].filter((group) => group.actions.length > 0)

  return (
    <Spotlight
      actions={groups}
      query={text}
      onQueryChange={setText}
      // The server has looked already; pages are filtered above.
      filter={(_, actions) => actions}
      shortcut={['mod + K']}
      nothingFound="Nothing has these letters"
      highlightQuery
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} aria-hidden />,
        placeholder: 'Stacks, runs, pages',
        'aria-label': 'Stacks, runs, pages',
      }}
    />
  )
}
