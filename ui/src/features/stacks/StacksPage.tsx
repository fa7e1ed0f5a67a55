import { IconLock, IconPlus, IconStar, IconStarFilled } from '@tabler/icons-react'
import { Link } from 'react-router'
import { useMutation } from 'urql'

import { StateBadge, wordOf } from '~/features/runs/RunState'
import { graphql, type ResultOf } from '~/graphql/gql'
import { useLiveQuery, type Topic } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { asked, narrowed } from '~/list/asked'
import { Listing, type Column, type Filter } from '~/list/Listing'
import { useView } from '~/list/view'
import { ActionIcon, Anchor, Badge, Button, Empty, Group, Stack, Text, Title, Trouble, When, warn } from '~/ui'

const StacksQuery = graphql(`
  query Stacks($input: SearchInput!) {
    searchStacks(input: $input) {
      edges {
        node {
          id
          name
          description
          state
          stateSetAt
          labels
          branch
          repository
          namespace
          projectRoot
          lockedBy
          starred
          createdAt
          spaceDetails {
            id
            name
          }
          trackedCommit {
            hash
            message
          }
          blocker {
            id
            state
          }
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`)

const StarMutation = graphql(`
  mutation Star($id: ID!, $star: Boolean!) {
    starSet(id: $id, star: $star) {
      starred
    }
  }
`)

type Row = ResultOf<typeof StacksQuery>['searchStacks']['edges'][number]['node']

const STATES = [
  'UNCONFIRMED',
  'FAILED',
  'PLANNING',
  'APPLYING',
  'FINISHED',
  'STOPPED',
  'DISCARDED',
] as const

const FILTERS: readonly Filter[] = [
  {
    field: 'state',
    title: 'State',
    values: [...STATES.map((state) => ({ value: state, label: wordOf(state) })), { value: 'NONE', label: 'no run yet' }],
  },
]

const COLUMNS: readonly Column<Row>[] = [
  {
    key: 'name',
    title: 'Stack',
    order: 'name',
    cell: (stack) => (
      <Group gap={6} wrap="nowrap">
        <Star stack={stack} />
        <div>
          <Group gap={6}>
            <Anchor component={Link} to={to.stack(stack.id)} fw={600}>
              {stack.name}
            </Anchor>
            {stack.lockedBy && (
              <Badge
                size="sm"
                variant="light"
                color="orange"
                leftSection={<IconLock size={11} aria-hidden />}
                title={`Locked by ${stack.lockedBy}`}
              >
                locked
              </Badge>
            )}
          </Group>
          {stack.description && (
            <Text size="xs" c="dimmed" lineClamp={1}>
              {stack.description}
            </Text>
          )}
        </div>
      </Group>
    ),
  },
  {
    key: 'state',
    title: 'State',
    cell: (stack) =>
      stack.blocker ? (
        <Anchor component={Link} to={to.run(stack.id, stack.blocker.id)} underline="never">
          <StateBadge state={stack.state} />
        </Anchor>
      ) : (
        <StateBadge state={stack.state} />
      ),
  },
  { key: 'since', title: 'Since', cell: (stack) => <When at={stack.stateSetAt} /> },
  {
    key: 'commit',
    title: 'Commit',
    cell: (stack) =>
      stack.trackedCommit && (
        <Text size="sm" lineClamp={1} title={stack.trackedCommit.message}>
          <code>{stack.trackedCommit.hash.slice(0, 8)}</code> {stack.trackedCommit.message.split('\n')[0]}
        </Text>
      ),
  },
  {
    key: 'source',
    title: 'Source',
    extra: true,
    cell: (stack) => (
      <Text size="sm">
        {[stack.namespace, stack.repository].filter(Boolean).join('/')}
        {stack.projectRoot ? ` · ${stack.projectRoot}` : ''}
      </Text>
    ),
  },
  { key: 'branch', title: 'Branch', extra: true, cell: (stack) => <code>{stack.branch}</code> },
  {
    key: 'labels',
    title: 'Labels',
    cell: (stack) => (
      <Group gap={4}>
        {stack.labels.slice(0, 4).map((label) => (
          <Badge key={label} variant="default" size="sm" tt="none" fw={500}>
            {label}
          </Badge>
        ))}
        {stack.labels.length > 4 && (
          <Text size="xs" c="dimmed" title={stack.labels.slice(4).join(', ')}>
            +{stack.labels.length - 4}
          </Text>
        )}
      </Group>
    ),
  },
  { key: 'space', title: 'Space', cell: (stack) => <Text size="sm">{stack.spaceDetails.name}</Text> },
  {
    key: 'created',
    title: 'Created',
    order: 'createdAt',
    extra: true,
    cell: (stack) => <When at={stack.createdAt} />,
  },
]

/** Every stack there is, by what people look for. */
export default function StacksPage() {
  const looking = useView()
  const { data, error } = useLiveQuery(StacksQuery, { input: asked(looking.view) }, topicsOf)
  const rows = data?.searchStacks.edges.map((edge) => edge.node)
  const create = (
    <Button component={Link} to={to.newStack()} leftSection={<IconPlus size={16} aria-hidden />}>
      Create stack
    </Button>
  )
  return (
    <Stack gap="md">
      <Title order={1}>Stacks</Title>
      {error && <Trouble title="The stacks could not be loaded" {...problemOf(error)} />}
      <Listing
        name="Stacks"
        hint="Name, description, repository"
        columns={COLUMNS}
        filters={FILTERS}
        rows={rows}
        keyOf={(stack) => stack.id}
        nameOf={(stack) => stack.name}
        looking={looking}
        page={data?.searchStacks.pageInfo}
        aside={create}
        empty={
          narrowed(looking.view) ? (
            <Empty title="No stack fits" action={<ClearButton looking={looking} />}>
              Other words or fewer filters may find it.
            </Empty>
          ) : (
            <Empty title="No stack yet" action={create}>
              A stack joins a directory of a Git repository to the infrastructure that it describes,
              and to the state of it.
            </Empty>
          )
        }
      />
    </Stack>
  )
}

function topicsOf(data: ResultOf<typeof StacksQuery> | undefined): Topic[] {
  return (data?.searchStacks.edges ?? []).map((edge): Topic => `stack:${edge.node.id}`)
}

function ClearButton({ looking }: { looking: ReturnType<typeof useView> }) {
  return (
    <Button variant="default" onClick={() => looking.change({ text: '', filters: {} })}>
      Show all
    </Button>
  )
}

function Star({ stack }: { stack: Row }) {
  const [state, set] = useMutation(StarMutation)
  const Icon = stack.starred ? IconStarFilled : IconStar
  return (
    <ActionIcon
      variant="subtle"
      color={stack.starred ? 'yellow' : 'gray'}
      size="sm"
      loading={state.fetching}
      aria-pressed={stack.starred}
      aria-label={stack.starred ? `Take the star off ${stack.name}` : `Star ${stack.name}`}
      onClick={() =>
        void set({ id: stack.id, star: !stack.starred }).then(({ error }) => {
          if (error) warn('The star could not be set', problemOf(error).sentence)
        })
      }
    >
      <Icon size={15} />
    </ActionIcon>
  )
}
