import { useState } from 'react'
import { Link, useSearchParams } from 'react-router'

import { Allowed } from '~/access/Allowed'
import { KINDS } from '~/access/kinds'
import { pathOf } from '~/access/spaces'
import { useAccountQuery } from '~/graphql/following'
import { graphql, type ResultOf } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { useSession } from '~/graphql/session'
import { useStanding } from '~/graphql/standing'
import { to } from '~/lib/paths'
import { Anchor, Badge, Card, Coming, Empty, Group, List, Stack, Text, TextInput } from '~/ui'

const ReasonsQuery = graphql(`
  query MyRights {
    rights {
      space {
        id
        name
        parentSpace
        accessLevel
      }
      reasons {
        way
        roleID
        roleName
        spaceID
        spaceName
        subject
        subjectName
      }
    }
  }
`)

const ActionsQuery = graphql(`
  query MyActions($space: ID!) {
    rights(space: $space) {
      space {
        id
      }
      actions
    }
  }
`)

type Right = ResultOf<typeof ReasonsQuery>['rights'][number]
type Reason = Right['reasons'][number]

const LEVELS = {
  ADMIN: 'everything',
  WRITE: 'read and run',
  READ: 'read',
} as const

/** As many spaces as are seen without searching. */
const FEW = 6

/** What the viewer may do in each space, and because of what. */
export default function MyRights() {
  const [params] = useSearchParams()
  const asked = params.get('space')
  const [words, setWords] = useState('')
  const [{ data, error }] = useAccountQuery({ query: ReasonsQuery })
  if (error && !data) return <Refused title="Your rights could not be loaded" error={error} />
  if (!data) return <Coming height={320} />
  const spaces = data.rights.map(({ space }) => space)
  const everywhere = data.rights.some(({ reasons }) => reasons.some(({ way }) => way === 'EVERYWHERE'))
  // Where everything is allowed anyway, only roles besides are told space by space.
  const held = data.rights
    .map((right) => ({ ...right, reasons: right.reasons.filter(({ way }) => way !== 'EVERYWHERE') }))
    .filter(({ reasons }) => reasons.length > 0)
  const named = held
    .map((right) => ({ right, path: pathOf(spaces, right.space.id) }))
    .filter(({ path }) => path.toLowerCase().includes(words.trim().toLowerCase()))
    // The one that somebody came for stands first.
    .toSorted((a, b) => Number(b.right.space.id === asked) - Number(a.right.space.id === asked) || a.path.localeCompare(b.path))
  return (
    <Stack gap="md" maw={820}>
      <Text size="sm" c="dimmed">
        Rights come from roles, and roles are given in spaces. A role counts where it was given and in every space
        beneath. From a space that inherits, whoever has a role in it also sees the spaces above. What you may do is all
        of it together.
      </Text>
      {everywhere && <Everywhere />}
      {held.length > FEW && (
        <TextInput
          type="search"
          aria-label="Find a space"
          placeholder="Find a space"
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
          maw={300}
        />
      )}
      {data.rights.length === 0 && (
        <Empty title="You have no role in any space">An administrator of a space can give you one.</Empty>
      )}
      {named.map(({ right, path }) => (
        <SpaceRight key={right.space.id} right={right} path={path} opened={right.space.id === asked} />
      ))}
    </Stack>
  )
}

function SpaceRight({ right, path, opened }: { right: Right; path: string; opened: boolean }) {
  const [open, setOpen] = useState(opened)
  const { space, reasons } = right
  return (
    <Card withBorder component="section" aria-label={path} padding="sm">
      <Stack gap="xs">
        <Group gap="xs">
          <Anchor component={Link} to={to.space(space.id)} fw={600}>
            {path}
          </Anchor>
          <Badge variant="light" tt="none">
            {space.accessLevel ? LEVELS[space.accessLevel] : 'single actions'}
          </Badge>
        </Group>
        <List size="sm">
          {reasons.map((reason) => (
            <List.Item key={`${reason.way} ${reason.roleID} ${reason.spaceID} ${reason.subjectName}`}>
              <Because reason={reason} />
            </List.Item>
          ))}
        </List>
        <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <Text component="summary" size="sm">
            What that lets you do
          </Text>
          {open && <Actions space={space.id} />}
        </details>
      </Stack>
    </Card>
  )
}

/** Of those who may do everything: said once, and not of each space. */
function Everywhere() {
  const { viewer } = useSession()
  const [open, setOpen] = useState(false)
  return (
    <Card withBorder component="section" aria-label="Everywhere" padding="sm">
      <Stack gap="xs">
        <Group gap="xs">
          <Text fw={600}>Everywhere</Text>
          <Badge variant="light" tt="none">
            {LEVELS.ADMIN}
          </Badge>
        </Group>
        <Text size="sm">
          {viewer.type === 'api_key'
            ? 'This key was made for everything, in every space there is and will be.'
            : 'You are an administrator of the installation: you may do everything, in every space there is and will be.'}{' '}
          No role is needed for it.
        </Text>
        <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <Text component="summary" size="sm">
            What that lets you do
          </Text>
          {open && <Actions space="root" />}
        </details>
      </Stack>
    </Card>
  )
}

function Actions({ space }: { space: string }) {
  const [{ data, error }] = useAccountQuery({ query: ActionsQuery, variables: { space } })
  if (error && !data) return <Refused title="What you may do here could not be loaded" error={error} />
  if (!data) return <Coming height={120} />
  return <Allowed actions={data.rights[0]?.actions ?? []} />
}

/** One of the reasons as a sentence: which role, to whom, where, and how it gets here. */
function Because({ reason }: { reason: Reason }) {
  const { way, spaceName, subject, subjectName } = reason
  const whom = subject === 'GROUP' ? `your group ${subjectName ?? ''}` : subject ? `you (${KINDS[subject].label.toLowerCase()})` : 'you'
  return (
    <>
      {way === 'INHERITED' ? 'You see it, because the' : 'The'} role <RoleLink reason={reason} /> was given to {whom} in{' '}
      {way === 'GIVEN' ? 'this space' : spaceName}
      {way === 'FLOWS_DOWN' && ', above, and flows down'}
      {way === 'INHERITED' && ', which inherits from here'}.
    </>
  )
}

/** Only administrators of some space see the pages of roles. */
function RoleLink({ reason }: { reason: Reason }) {
  const standing = useStanding()
  if (reason.roleID === null) return null
  if (!standing?.adminSomewhere) return <b>{reason.roleName}</b>
  return (
    <Anchor component={Link} to={to.role(reason.roleID)} inherit underline="always">
      {reason.roleName}
    </Anchor>
  )
}
