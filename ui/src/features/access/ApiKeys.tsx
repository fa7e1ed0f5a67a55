import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useMutation, useQuery } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { lacking, useRights } from '~/graphql/rights'
import { to } from '~/lib/paths'
import { Action, Badge, Button, Coming, Confirm, Empty, Group, Stack, Table, Text, Trouble, VisuallyHidden, When, tell, warn } from '~/ui'

import { NewKey } from './NewKey'

const KeysQuery = graphql(`
  query ApiKeys {
    apiKeys {
      id
      name
      description
      admin
      creator
      createdAt
      lastUsedAt
      expiresAt
      openSessions
    }
  }
`)

const DeleteMutation = graphql(`
  mutation DeleteApiKey($id: ID!) {
    apiKeyDelete(id: $id) {
      id
    }
  }
`)

type Key = ResultOf<typeof KeysQuery>['apiKeys'][number]

/** Programs' ways in. */
export default function ApiKeys() {
  const rights = useRights()
  const forbidden = lacking(rights, 'SPACE_ADMIN')
  const [making, setMaking] = useState(false)
  const [leaving, setLeaving] = useState<Key>()
  const [{ data, error }, ask] = useQuery({
    query: KeysQuery,
    pause: !rights || forbidden !== undefined,
  })
  const again = () => ask({ requestPolicy: 'network-only' })
  const create = (
    <Action
      leftSection={<IconPlus size={16} aria-hidden />}
      why={forbidden}
      onClick={() => setMaking(true)}
    >
      Create API key
    </Action>
  )
  if (forbidden) {
    return (
      <Empty title="Only administrators see API keys" action={create}>
        {forbidden}
      </Empty>
    )
  }
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start">
        <Text size="sm" c="dimmed" maw={560}>
          A program exchanges a key&apos;s id and secret for a token that lasts an hour. Give every
          program a key of its own: then you can see who uses it, and take it away from one alone.
        </Text>
        {data && data.apiKeys.length > 0 && create}
      </Group>
      {error && <Trouble title="The API keys could not be loaded" {...problemOf(error)} helpAt={to.error} />}
      {!data && !error && <Coming height={200} />}
      {data?.apiKeys.length === 0 && (
        <Empty title="No API key yet" action={create}>
          The Terraform provider, the command line and your pipelines each want one.
        </Empty>
      )}
      {data && data.apiKeys.length > 0 && <Keys keys={data.apiKeys} onDelete={setLeaving} />}
      <NewKey
        opened={making}
        onClose={() => {
          setMaking(false)
          again()
        }}
      />
      <Deletion leaving={leaving} onClose={() => setLeaving(undefined)} onDone={again} />
    </Stack>
  )
}

function Keys({ keys, onDelete }: { keys: readonly Key[]; onDelete: (key: Key) => void }) {
  return (
    <Table.ScrollContainer minWidth={720} type="native" tabIndex={0}>
      <Table aria-label="API keys" verticalSpacing={6} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Id</Table.Th>
            <Table.Th>Rights</Table.Th>
            <Table.Th>Last used</Table.Th>
            <Table.Th>Expires</Table.Th>
            <Table.Th>Made</Table.Th>
            <Table.Th>
              <VisuallyHidden>What can be done</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {keys.map((key) => (
            <Table.Tr key={key.id}>
              <Table.Td>
                <Text size="sm" fw={600}>
                  {key.name}
                </Text>
                {key.description && (
                  <Text size="xs" c="dimmed" lineClamp={2}>
                    {key.description}
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                <code>{key.id}</code>
              </Table.Td>
              <Table.Td>
                <Badge variant="light" color={key.admin ? 'orange' : 'gray'}>
                  {key.admin ? 'everything' : 'read'}
                </Badge>
              </Table.Td>
              <Table.Td>{key.lastUsedAt ? <When at={key.lastUsedAt} /> : 'never'}</Table.Td>
              <Table.Td>{key.expiresAt ? <When at={key.expiresAt} /> : 'never'}</Table.Td>
              <Table.Td>
                <When at={key.createdAt} />
                <Text size="xs" c="dimmed">
                  by {key.creator || 'the command line'}
                </Text>
              </Table.Td>
              <Table.Td ta="right">
                <Button
                  variant="subtle"
                  color="red"
                  size="compact-sm"
                  aria-label={`Delete ${key.name}`}
                  onClick={() => onDelete(key)}
                >
                  Delete
                </Button>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function Deletion(props: { leaving: Key | undefined; onClose: () => void; onDone: () => void }) {
  const [{ fetching }, remove] = useMutation(DeleteMutation)
  const key = props.leaving
  if (!key) return null
  const open = key.openSessions
  return (
    <Confirm
      opened
      title={`Delete API key ${key.name}?`}
      verb="Delete the key"
      dangerous
      busy={fetching}
      onClose={props.onClose}
      onConfirm={() =>
        void remove({ id: key.id }).then(({ error }) => {
          if (error) warn('The key was not deleted', problemOf(error).sentence)
          else tell(`API key ${key.name} is deleted`, 'Nobody can sign in with it any more.')
          props.onClose()
          props.onDone()
        })
      }
    >
      <Stack gap="xs">
        <Text size="sm">
          Whatever signs in with <code>{key.id}</code> stops working at once, and for good: the secret
          cannot be brought back.
        </Text>
        <Text size="sm">
          {key.lastUsedAt ? (
            <>
              It was last used <When at={key.lastUsedAt} />.{' '}
            </>
          ) : (
            'It was never used. '
          )}
          {open === 0
            ? 'Nobody is signed in with it now.'
            : `${open} ${open === 1 ? 'session that is' : 'sessions that are'} open with it now ${open === 1 ? 'ends' : 'end'} too.`}
        </Text>
      </Stack>
    </Confirm>
  )
}
