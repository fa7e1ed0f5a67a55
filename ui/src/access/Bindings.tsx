import { useMemo, useState } from 'react'
import { Link } from 'react-router'
import { useClient, type CombinedError } from 'urql'

import { useAccountQuery } from '~/graphql/following'
import { graphql, type ResultOf } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { useStanding } from '~/graphql/standing'
import { to } from '~/lib/paths'
import { asked, narrowed } from '~/list/asked'
import { Listing, type Column, type Filter } from '~/list/Listing'
import { useView } from '~/list/view'
import { Action, Anchor, Confirm, Empty, Group, Stack, Text, When, tell } from '~/ui'

import { GiveRole, type Whom } from './GiveRole'
import { ALL_KINDS, KINDS } from './kinds'

const BindingsQuery = graphql(`
  query Bindings($input: SearchInput!) {
    searchRoleBindings(input: $input) {
      edges {
        node {
          id
          subject
          subjectID
          subjectName
          role {
            id
            name
          }
          space {
            id
            name
            accessLevel
          }
          createdAt
          createdBy
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`)

export type Binding = ResultOf<typeof BindingsQuery>['searchRoleBindings']['edges'][number]['node']

const KIND_FILTER: Filter = {
  field: 'subject',
  title: 'Kind',
  values: ALL_KINDS.map((kind) => ({ value: kind, label: KINDS[kind].label })),
}

interface Props {
  /** Those that count in this space: given there, or above. */
  space?: string
  /** Those of this role. */
  role?: string
  /** Those of this one; with the ids of the groups whose roles count for it too. */
  whom?: Whom & { groups?: readonly string[] }
  /** Why nothing can be given here. */
  why?: string | undefined
  onChange?: () => void
}

/** Who has which role where; giving one, and taking it away. */
export function Bindings({ space, role, whom, why, onChange }: Props) {
  const looking = useView()
  const { view } = looking
  const [giving, setGiving] = useState(false)
  const [taking, setTaking] = useState<Binding>()
  const within = [
    ...(space === undefined ? [] : [{ field: 'countsIn', constraint: { stringMatches: [space] } }]),
    ...(role === undefined ? [] : [{ field: 'role', constraint: { stringMatches: [role] } }]),
    // Ids of users, groups and keys are ULIDs: no two share one.
    ...(whom === undefined
      ? []
      : [{ field: 'subjectId', constraint: { stringMatches: [whom.id, ...(whom.groups ?? [])] } }]),
  ]
  const wanted = asked(view)
  const input = { ...wanted, predicates: [...wanted.predicates, ...within] }
  const [{ data, error }, ask] = useAccountQuery({ query: BindingsQuery, variables: { input } })
  const alone = whom !== undefined && !whom.groups?.length
  const itself = whom?.id
  const columns = useMemo(
    () => columnsOf({ space, role, itself, alone, onTake: setTaking }),
    [space, role, itself, alone],
  )
  const again = () => {
    ask({ requestPolicy: 'network-only' })
    onChange?.()
  }
  const give = (
    <Action why={why} size="xs" onClick={() => setGiving(true)}>
      Give a role
    </Action>
  )
  if (error && !data) return <Refused title="What was given could not be loaded" error={error} />
  return (
    <>
      <Listing
        name={whom ? 'Roles' : 'Who has roles'}
        hint="Role, id, who gave it"
        columns={columns}
        filters={alone ? [] : [KIND_FILTER]}
        rows={data?.searchRoleBindings.edges.map(({ node }) => node)}
        keyOf={(one) => one.id}
        nameOf={(one) => one.subjectName}
        looking={looking}
        page={data?.searchRoleBindings.pageInfo}
        aside={give}
        empty={
          narrowed(view) ? (
            <Empty title="Nothing fits" />
          ) : whom ? (
            <Empty title={`${whom.name} has no role yet`} action={give}>
              Without one nothing is seen and nothing can be done.
            </Empty>
          ) : (
            <Empty title="Nobody has a role here by being given it">
              Administrators of the installation may do everything all the same.
            </Empty>
          )
        }
      />
      {giving && (
        <GiveRole
          {...(space === undefined ? {} : { space })}
          {...(role === undefined ? {} : { role })}
          {...(whom === undefined ? {} : { whom })}
          onClose={() => setGiving(false)}
          onDone={again}
        />
      )}
      {taking && <Take binding={taking} onClose={() => setTaking(undefined)} onDone={again} />}
    </>
  )
}

function columnsOf(of: {
  space: string | undefined
  role: string | undefined
  /** The one that the page is about. */
  itself: string | undefined
  /** Whether all roles are its own. */
  alone: boolean
  onTake: (binding: Binding) => void
}): readonly Column<Binding>[] {
  const { space, role, itself, onTake } = of
  const columns: (Column<Binding> | false)[] = [
    itself === undefined && { key: 'who', title: 'Who', cell: (one) => <Who binding={one} /> },
    role === undefined && {
      key: 'role',
      title: 'Role',
      cell: (one) => (
        <Anchor component={Link} to={to.role(one.role.id)} size="sm">
          {one.role.name}
        </Anchor>
      ),
    },
    {
      key: 'space',
      title: 'Given in',
      cell: (one) =>
        one.space.id === space ? (
          'this space'
        ) : (
          <Anchor component={Link} to={to.space(one.space.id)} size="sm">
            {one.space.name}
            {space !== undefined && ', above'}
          </Anchor>
        ),
    },
    {
      key: 'given',
      title: 'Given',
      order: 'createdAt',
      cell: (one) => (
        <div>
          <When at={one.createdAt} />
          <Text size="xs" c="dimmed">
            by {one.createdBy}
          </Text>
        </div>
      ),
    },
    itself !== undefined &&
      !of.alone && {
        key: 'through',
        title: 'Through',
        cell: (one) => (one.subjectID === itself ? 'given directly' : <Who binding={one} />),
      },
    { key: 'take', title: 'Change', cell: (one) => <TakeButton binding={one} onTake={onTake} /> },
  ]
  return columns.filter((one) => one !== false)
}

function Who({ binding }: { binding: Binding }) {
  const { label, icon: Icon, page: pageOf, forRoot } = KINDS[binding.subject]
  const standing = useStanding()
  const page = forRoot && !standing?.rootAdmin ? undefined : pageOf?.(binding.subjectID)
  const name = (
    <Text component="span" size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
      {binding.subjectName}
    </Text>
  )
  return (
    <Group gap={8} wrap="nowrap">
      <Icon size={18} stroke={1.6} aria-hidden style={{ flex: 'none' }} />
      <div>
        {page === undefined ? (
          name
        ) : (
          <Anchor component={Link} to={page}>
            {name}
          </Anchor>
        )}
        <Text size="xs" c="dimmed">
          {label}
        </Text>
      </div>
    </Group>
  )
}

function TakeButton({ binding, onTake }: { binding: Binding; onTake: (binding: Binding) => void }) {
  const { label, handled } = KINDS[binding.subject]
  return (
    <Action
      variant="subtle"
      color="red"
      size="compact-sm"
      why={handled ? undefined : `Roles of a ${label.toLowerCase()} are not changed here.`}
      aria-label={`Take ${binding.role.name} from ${binding.subjectName}`}
      onClick={() => onTake(binding)}
    >
      Take away
    </Action>
  )
}

function Take(props: { binding: Binding; onClose: () => void; onDone: () => void }) {
  const { binding, onClose } = props
  const client = useClient()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<CombinedError>()
  const take = async () => {
    setBusy(true)
    const refused = await KINDS[binding.subject].handled?.take(client, binding.id)
    setBusy(false)
    setError(refused)
    if (refused) return
    tell(`${binding.role.name} is taken from ${binding.subjectName}`, 'It counts from the next request on.')
    props.onDone()
    onClose()
  }
  return (
    <Confirm
      opened
      title={`Take ${binding.role.name} from ${binding.subjectName}?`}
      verb="Take it away"
      dangerous
      busy={busy}
      onClose={onClose}
      onConfirm={() => void take()}
    >
      <Stack gap="sm">
        <Text size="sm">
          From the next request on, {binding.subject === 'GROUP' && 'every member of '}
          {binding.subjectName} may no longer do what this role allows in{' '}
          {binding.space.name} and in the spaces beneath it, unless another role allows it.
        </Text>
        {error && <Refused title="It was not taken away" error={error} />}
      </Stack>
    </Confirm>
  )
}
