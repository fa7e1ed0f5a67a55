import { IconPlus } from '@tabler/icons-react'
import { Link, useNavigate } from 'react-router'
import { useClient } from 'urql'

import { useAccountQuery } from '~/graphql/following'
import { graphql, type ResultOf } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { lackingAnywhere, useRights } from '~/graphql/rights'
import { to } from '~/lib/paths'
import { asked, askedValues, narrowed } from '~/list/asked'
import { Listing, type Column, type Filter } from '~/list/Listing'
import { NoneFit } from '~/list/NoneFit'
import { useView } from '~/list/view'
import { Action, Anchor, Empty, Labels, Stack, Text, Title, When } from '~/ui'

const ContextsQuery = graphql(`
  query Contexts($input: SearchInput!, $values: SearchSuggestionsInput!) {
    searchContexts(input: $input) {
      edges {
        node {
          id
          name
          description
          labels
          spaceDetails {
            id
            name
          }
          config {
            id
            type
          }
          attachedStacks {
            id
          }
          createdAt
          updatedAt
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
    searchContextsSuggestions(input: $values) {
      total
      fields {
        field
        hasMore
        values {
          value
          label
          count
        }
      }
    }
  }
`)

const ValuesQuery = graphql(`
  query ContextsValues($values: SearchSuggestionsInput!) {
    searchContextsSuggestions(input: $values) {
      fields {
        field
        hasMore
        values {
          value
          label
          count
        }
      }
    }
  }
`)

type Data = ResultOf<typeof ContextsQuery>
type Row = Data['searchContexts']['edges'][number]['node']

const FILTERS = [
  { field: 'label', title: 'Label' },
  { field: 'space', title: 'Space' },
] as const

const COLUMNS: readonly Column<Row>[] = [
  {
    key: 'name',
    title: 'Context',
    order: 'name',
    cell: (one) => (
      <div>
        <Anchor component={Link} to={to.context(one.id)} fw={600} style={{ overflowWrap: 'anywhere' }}>
          {one.name}
        </Anchor>
        {one.description && (
          <Text size="xs" c="dimmed" lineClamp={1}>
            {one.description}
          </Text>
        )}
      </div>
    ),
  },
  { key: 'holds', title: 'Holds', cell: (one) => holds(one) },
  { key: 'stacks', title: 'Stacks', number: true, cell: (one) => one.attachedStacks.length.toLocaleString() },
  {
    key: 'labels',
    title: 'Labels',
    cell: (one) => <Labels labels={one.labels} />,
  },
  {
    key: 'space',
    title: 'Space',
    cell: (one) => (
      <Anchor component={Link} to={to.space(one.spaceDetails.id)} size="sm">
        {one.spaceDetails.name}
      </Anchor>
    ),
  },
  { key: 'updated', title: 'Changed', cell: (one) => <When at={one.updatedAt} /> },
  { key: 'created', title: 'Made', order: 'createdAt', extra: true, cell: (one) => <When at={one.createdAt} /> },
]

function holds({ config }: Row): string {
  const files = config.filter(({ type }) => type === 'FILE_MOUNT').length
  const variables = config.length - files
  const words = [
    variables > 0 && `${variables} ${variables === 1 ? 'variable' : 'variables'}`,
    files > 0 && `${files} ${files === 1 ? 'file' : 'files'}`,
  ].filter((one) => one !== false)
  return words.join(', ') || 'nothing yet'
}

/** Every context that the viewer may see. */
export default function ContextsPage() {
  const looking = useView()
  const { view } = looking
  const rights = useRights()
  const go = useNavigate()
  const client = useClient()
  const fields = FILTERS.map(({ field }) => field)
  const [{ data, error }] = useAccountQuery({
    query: ContextsQuery,
    variables: { input: asked(view), values: askedValues(view, fields) },
  })
  const filters = FILTERS.map(({ field, title }): Filter => {
    const found = data?.searchContextsSuggestions.fields.find((one) => one.field === field)
    return {
      field,
      title,
      values: found?.values ?? [],
      more: found?.hasMore,
      find: async (words) => {
        const values = askedValues(view, [field], { words })
        const answer = await client.query(ValuesQuery, { values }, { requestPolicy: 'network-only' })
        const [one] = answer.data?.searchContextsSuggestions.fields ?? []
        return { values: one?.values ?? [], more: one?.hasMore ?? false }
      },
    }
  })
  const create = (
    <Action
      leftSection={<IconPlus size={16} aria-hidden />}
      why={lackingAnywhere(rights, 'CONTEXT_CREATE')}
      onClick={() => void go(to.newContext())}
    >
      Create context
    </Action>
  )
  return (
    <Stack gap="md">
      <div>
        <Title order={1}>Contexts</Title>
        <Text c="dimmed">Variables, files and hooks with a name, for as many stacks as want them.</Text>
      </div>
      {error && !data && <Refused title="The contexts could not be loaded" error={error} />}
      <Listing
        name="Contexts"
        hint="Name, description"
        columns={COLUMNS}
        filters={filters}
        rows={data?.searchContexts.edges.map(({ node }) => node)}
        keyOf={(one) => one.id}
        nameOf={(one) => one.name}
        looking={looking}
        page={data?.searchContexts.pageInfo}
        total={data?.searchContextsSuggestions.total}
        aside={create}
        empty={
          narrowed(view) ? (
            <NoneFit title="No context fits" looking={looking}>
              Other words may find it.
            </NoneFit>
          ) : (
            <Empty title="No context yet" action={create}>
              What several stacks are given alike stands here once: credentials of a cloud, settings of a tool.
            </Empty>
          )
        }
      />
    </Stack>
  )
}
