import { useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { useQuery } from 'urql'

import { Allowed } from '~/access/Allowed'
import { KINDS } from '~/access/kinds'
import { pathOf } from '~/access/spaces'
import { graphql, type ResultOf } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
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

/** What the viewer may do in each space, and because of what. */
export default function MyRights() {
  const [params] = useSearchParams()
  const asked = params.get('space')
  const [words, setWords] = useState('')
  const [{ data, error }] = useQuery({ query: ReasonsQuery })
  if (error && !data) return <Refused title="Your rights could not be loaded" error={error} />
  if (!data) return <Coming height={320} />
  const spaces = data.rights.map(({ space }) => space)
  const named = data.rights
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
      {data.rights.length > 6 && (
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
          <summary>What that lets you do</summary>
          {open && <Actions space={space.id} />}
        </details>
      </Stack>
    </Card>
  )
}

function Actions({ space }: { space: string }) {
  const [{ data, error }] = useQuery({ query: ActionsQuery, variables: { space } })
  if (error && !data) return <Refused title="What you may do here could not be loaded" error={error} />
  if (!data) return <Coming height={120} />
  return <Allowed actions={data.rights[0]?.actions ?? []} />
}

/** One of the reasons as a sentence: which role, to whom, where, and how it gets here. */
function Because({ reason }: { reason: Reason }) {
  const { way, spaceName, subject, subjectName } = reason
  if (way === 'EVERYWHERE') return <>You may do everything, everywhere: as the installation&apos;s administrator, or by a key that was made for all.</>
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
