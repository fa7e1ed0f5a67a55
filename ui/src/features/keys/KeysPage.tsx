import { IconPlus } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { Link } from 'react-router'
import { useMutation } from 'urql'

import { usePeopleQuery } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { narrowed } from '~/list/asked'
import { Listing, type Column } from '~/list/Listing'
import { NoneFit } from '~/list/NoneFit'
import { localPage, type Local } from '~/list/local'
import { useView } from '~/list/view'
import { Action, Anchor, Badge, Button, Coming, Empty, Labels, Stack, Switch, Text, When, tell, warn } from '~/ui'

import { DeleteKey } from './DeleteKey'
import { KeysQuery, MakersMutation, type KeyRow } from './documents'
import { NewKey } from './NewKey'
import { useMakers, type Makers } from './useMakers'
import { rightsOf, TYPES } from './words'

/** Groups of a key that a list shows side by side. */
const GROUPS = 3

const HOW: Local<KeyRow> = {
  text: (one) => [one.name, one.description, one.id, one.creator],
  filters: [
    { field: 'type', title: 'Type', of: (one) => [one.type], label: (value) => TYPES[value as KeyRow['type']] },
    { field: 'group', title: 'Group', of: (one) => one.teams },
  ],
  orders: {
    name: (one) => one.name,
    lastUsedAt: (one) => one.lastUsedAt,
    expiresAt: (one) => one.expiresAt,
    createdAt: (one) => one.createdAt,
  },
}

function columnsOf(onDelete: (key: KeyRow) => void): readonly Column<KeyRow>[] {
  return [
    {
      key: 'name',
      title: 'Name',
      order: 'name',
      cell: (one) => (
        <div>
          <Anchor component={Link} to={to.apiKey(one.id)} fw={600} style={{ overflowWrap: 'anywhere' }}>
            {one.name}
          </Anchor>
          {one.description && (
            <Text size="xs" c="dimmed" lineClamp={2}>
              {one.description}
            </Text>
          )}
        </div>
      ),
    },
    { key: 'id', title: 'Id', extra: true, cell: (one) => <code>{one.id}</code> },
    { key: 'type', title: 'Type', cell: (one) => TYPES[one.type] },
    {
      key: 'rights',
      title: 'Roles',
      cell: (one) => (
        <Badge variant="light" color={one.admin ? 'orange' : 'gray'} tt="none" fw={500}>
          {rightsOf(one)}
        </Badge>
      ),
    },
    { key: 'groups', title: 'Groups', cell: (one) => <Labels labels={one.teams} most={GROUPS} /> },
    {
      key: 'used',
      title: 'Last used',
      order: 'lastUsedAt',
      cell: (one) => (one.lastUsedAt ? <When at={one.lastUsedAt} /> : 'never'),
    },
    {
      key: 'expires',
      title: 'Expires',
      order: 'expiresAt',
      cell: (one) => (one.expiresAt ? <When at={one.expiresAt} /> : 'never'),
    },
    {
      key: 'made',
      title: 'Made',
      order: 'createdAt',
      cell: (one) => (
        <div>
          <When at={one.createdAt} />
          <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            by {one.creator || 'the command line'}
          </Text>
        </div>
      ),
    },
    {
      key: 'delete',
      title: 'Change',
      cell: (one) => (
        <Button
          variant="subtle"
          color="red"
          size="compact-sm"
          aria-label={`Delete ${one.name}`}
          onClick={() => onDelete(one)}
        >
          Delete
        </Button>
      ),
    },
  ]
}

/** Programs' ways in. */
export default function KeysPage() {
  const makers = useMakers()
  if (!makers) return <Coming height={240} />
  return <Keys makers={makers} />
}

function Keys({ makers }: { makers: Makers }) {
  const looking = useView()
  const { view } = looking
  const [making, setMaking] = useState(false)
  const [leaving, setLeaving] = useState<KeyRow>()
  const [{ data, error }, ask] = usePeopleQuery({ query: KeysQuery })
  const again = () => ask({ requestPolicy: 'network-only' })
  const columns = useMemo(() => columnsOf(setLeaving), [])
  const shown = data && localPage(data.apiKeys, view, HOW)
  const create = (
    <Action leftSection={<IconPlus size={16} aria-hidden />} why={makers.why} onClick={() => setMaking(true)}>
      Create API key
    </Action>
  )
  if (error && makers.why !== undefined) {
    return (
      <Empty title="Only administrators see API keys" action={create}>
        {makers.why}
      </Empty>
    )
  }
  if (error && !data) return <Refused title="The API keys could not be loaded" error={error} />
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed" maw={640}>
        A program exchanges a key for a token that lasts an hour. Give every program a key of its own: then you can see
        who uses it, and take it away from one alone.{!makers.root && ' Listed are those that you made.'}
      </Text>
      <Listing
        name="API keys"
        hint="Name, description, id"
        columns={columns}
        filters={shown?.filters ?? []}
        rows={shown?.rows}
        keyOf={(one) => one.id}
        nameOf={(one) => one.name}
        looking={looking}
        page={shown?.page}
        total={shown?.total}
        aside={create}
        empty={
          narrowed(view) ? (
            <NoneFit title="No key fits" looking={looking} />
          ) : (
            <Empty title="No API key yet">
              The Terraform provider, the command line and your pipelines each want one.
            </Empty>
          )
        }
      />
      {makers.root && <SpaceAdmins makers={makers} />}
      {making && (
        <NewKey
          makers={makers}
          onClose={() => {
            setMaking(false)
            again()
          }}
        />
      )}
      {leaving && <DeleteKey leaving={leaving} onClose={() => setLeaving(undefined)} onDone={again} />}
    </Stack>
  )
}

/** Whether administrators of single spaces make keys too. */
function SpaceAdmins({ makers }: { makers: Makers }) {
  const [{ fetching }, set] = useMutation(MakersMutation)
  const change = async (enable: boolean) => {
    const { error } = await set({ enable })
    if (error) return warn('Nothing was changed', problemOf(error))
    makers.again()
    tell(enable ? 'Administrators of spaces make keys' : 'Only administrators of the root space make keys')
  }
  return (
    <Switch
      label="Administrators of single spaces may make API keys"
      description="Such keys are in no group, and get roles only where whoever gives them is administrator. Whoever made a key can always delete it."
      checked={makers.spaceAdmins}
      disabled={fetching}
      onChange={(event) => void change(event.currentTarget.checked)}
    />
  )
}
