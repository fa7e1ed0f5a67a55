import { IconPencil, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'

import { AuditLinks } from '~/access/AuditLinks'
import { Bindings } from '~/access/Bindings'
import { GroupList, useGroups } from '~/access/GroupNames'
import { usePeopleQuery } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { useStanding } from '~/graphql/standing'
import { to } from '~/lib/paths'
import { Action, Alert, Anchor, Card, Coming, Empty, Facts, Group, Stack, Text, Title, When } from '~/ui'

import { DeleteKey } from './DeleteKey'
import { KeyQuery, type Key } from './documents'
import { EditKey } from './EditKey'
import { TYPES } from './words'

/** A program's way in: what is exchanged for a token, and what it may do. */
export default function KeyPage() {
  const { keyId = '' } = useParams()
  const [{ data, error }, ask] = usePeopleQuery({ query: KeyQuery, variables: { id: keyId } })
  const key = data?.apiKey
  const again = () => ask({ requestPolicy: 'network-only' })
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        <Anchor component={Link} to={to.apiKeys()} size="sm">
          All API keys
        </Anchor>
        {!key && <Title order={1}>API key</Title>}
        {error && !key && <Refused title="The API key could not be loaded" error={error} />}
        {!data && !error && <Coming height={420} />}
        {data && !key && !error && <Empty title="There is no such API key">It was deleted: it opens nothing any more.</Empty>}
        {key && <Head shown={key} onDone={again} />}
      </Stack>
      {key && <Shown shown={key} onChange={again} />}
    </Stack>
  )
}

function Head({ shown, onDone }: { shown: Key; onDone: () => void }) {
  const go = useNavigate()
  const [open, setOpen] = useState<'edit' | 'delete'>()
  const close = () => setOpen(undefined)
  return (
    <Group justify="space-between" align="flex-start">
      <div>
        <Title order={1} style={{ overflowWrap: 'anywhere' }}>
          {shown.name}
        </Title>
        {shown.description && <Text c="dimmed">{shown.description}</Text>}
      </div>
      <Group gap="xs">
        <Action variant="default" leftSection={<IconPencil size={16} aria-hidden />} onClick={() => setOpen('edit')}>
          Edit
        </Action>
        <Action
          variant="light"
          color="red"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={() => setOpen('delete')}
        >
          Delete
        </Action>
      </Group>
      {open === 'edit' && <EditKey edited={shown} onClose={close} onDone={onDone} />}
      {open === 'delete' && <DeleteKey leaving={shown} onClose={close} onDone={() => void go(to.apiKeys())} />}
    </Group>
  )
}

function Shown({ shown, onChange }: { shown: Key; onChange: () => void }) {
  const standing = useStanding()
  const { known } = useGroups({ pause: !standing?.rootAdmin })
  const trust = shown.oidcSettings
  const claims = trust?.claimMapping.entries.map(({ name }) => name) ?? []
  const groups = known?.filter(({ name }) => shown.teams.includes(name)).map(({ id }) => id) ?? []
  const powerful = shown.admin && shown.apiKeyRoleBindings.length === 0
  // Of groups only administrators of the root space hear.
  const seen = standing && (!standing.rootAdmin || known)
  const whom = { kind: 'API_KEY', id: shown.id, name: shown.name, groups } as const
  return (
    <>
      <Card withBorder>
        <Stack gap="sm">
          <Facts
            facts={[
              ['Id', <code key="id">{shown.id}</code>],
              ['Type', TYPES[shown.type]],
              ['Issuer', trust && <code key="issuer">{trust.issuer}</code>],
              ['Client id', trust && <code key="client">{trust.clientId}</code>],
              ['Subject expression', trust && <code key="subject">{trust.subjectExpression}</code>],
              ['Claims that name groups', claims.join(', ')],
              ['Groups', shown.teams.length > 0 && <GroupList key="teams" names={shown.teams} known={known} />],
              ['Last used', shown.lastUsedAt ? <When key="used" at={shown.lastUsedAt} /> : 'never'],
              ['Open sessions', shown.openSessions.toLocaleString()],
              ['Expires', shown.expiresAt ? <When key="until" at={shown.expiresAt} /> : 'never'],
              ['Made', <When key="made" at={shown.createdAt} />],
              ['Made by', shown.creator || 'the command line'],
            ]}
          />
          <AuditLinks id={shown.id} login={`api::${shown.id}`} />
        </Stack>
      </Card>
      <Stack component="section" gap="sm">
        <Title order={2}>Roles</Title>
        {shown.admin ? (
          <Alert color="yellow" title="It may do everything">
            <Text size="sm">It was made for that, in every space there is and will be. Roles add nothing to it.</Text>
          </Alert>
        ) : (
          <Text size="sm" c="dimmed">
            Given directly, and through groups. What may be done is all of it together; without any role, nothing.
          </Text>
        )}
        {!powerful && (seen ? <Bindings whom={whom} onChange={onChange} /> : <Coming height={160} />)}
      </Stack>
    </>
  )
}
