import { useState } from 'react'
import { useMutation } from 'urql'

import { useFollowing } from '~/graphql/following'
import { graphql, type ResultOf } from '~/graphql/gql'
import type { Topic } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { lacking, useRights } from '~/graphql/rights'
import { useInAddress } from '~/list/address'
import { Action, Badge, Coming, Confirm, Group, SegmentedControl, Stack, Table, Text, Trouble, VisuallyHidden, When, tell, warn } from '~/ui'

const SessionsQuery = graphql(`
  query Sessions($everybody: Boolean!) {
    sessions(everybody: $everybody) {
      id
      createdAt
      validUntil
      creatorIP
      current
      machine
      user {
        login
        name
      }
    }
  }
`)

const EndMutation = graphql(`
  mutation EndSession($id: ID!) {
    sessionDelete(id: $id) {
      id
    }
  }
`)

const EndAllMutation = graphql(`
  mutation EndSessions($everybody: Boolean!) {
    sessionDeleteAll(everybody: $everybody) {
      id
    }
  }
`)

/** Sessions also end with the user or the key that they are of. */
const OWN: readonly Topic[] = ['mine', 'account']
const ALL: readonly Topic[] = ['sessions', 'account']

type Row = ResultOf<typeof SessionsQuery>['sessions'][number]

/** Who is signed in, from where, until when; and how to end it. */
export default function Sessions() {
  const rights = useRights()
  const [whose, setWhose] = useInAddress('whose')
  const [ending, setEnding] = useState<Row | 'all'>()
  const admin = rights !== undefined && lacking(rights, 'SPACE_ADMIN') === undefined
  const everybody = admin && whose === 'all'
  const [{ data, error, fetching }, ask] = useFollowing(everybody ? ALL : OWN, {
    query: SessionsQuery,
    variables: { everybody },
    // Whether everybody's may be shown is known in a moment.
    pause: whose === 'all' && rights === undefined,
    requestPolicy: 'network-only',
  })
  const again = () => ask({ requestPolicy: 'network-only' })
  const sessions = data?.sessions
  const others = sessions?.filter((one) => !one.current) ?? []
  return (
    <Stack gap="md">
      <Group justify="space-between">
        {admin ? (
          <SegmentedControl
            aria-label="Whose sessions"
            value={everybody ? 'all' : 'own'}
            onChange={(next) => setWhose(next === 'all' ? next : '')}
            data={[
              { value: 'own', label: 'Yours' },
              { value: 'all', label: 'Everybody’s' },
            ]}
          />
        ) : (
          <Text size="sm" c="dimmed">
            Your sessions
          </Text>
        )}
        <Action
          color="red"
          variant="light"
          why={others.length === 0 ? 'There is no session but this one.' : undefined}
          onClick={() => setEnding('all')}
        >
          {everybody ? 'End everybody’s sessions' : 'End all others'}
        </Action>
      </Group>
      {error && <Trouble title="The sessions could not be loaded" {...problemOf(error)} />}
      {!sessions && fetching && <Coming height={200} />}
      {sessions && <Rows sessions={sessions} onEnd={setEnding} />}
      <Ending
        what={ending}
        everybody={everybody}
        others={others}
        onClose={() => setEnding(undefined)}
        onDone={again}
      />
    </Stack>
  )
}

function Rows({ sessions, onEnd }: { sessions: readonly Row[]; onEnd: (row: Row) => void }) {
  return (
    <Table.ScrollContainer minWidth={620} type="native" tabIndex={0}>
      <Table aria-label="Sessions" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Who</Table.Th>
            <Table.Th>From</Table.Th>
            <Table.Th>Signed in</Table.Th>
            <Table.Th>Ends</Table.Th>
            <Table.Th>
              <VisuallyHidden>What can be done</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sessions.map((one) => (
            <Table.Tr key={one.id}>
              <Table.Td>
                <Group gap={6}>
                  <Text size="sm" title={one.user.login}>
                    {one.user.name || one.user.login}
                  </Text>
                  {one.current && <Badge size="sm">this one</Badge>}
                  {one.machine && (
                    <Badge size="sm" variant="default">
                      API key
                    </Badge>
                  )}
                </Group>
              </Table.Td>
              <Table.Td>{one.creatorIP ?? 'unknown'}</Table.Td>
              <Table.Td>
                <When at={one.createdAt} />
              </Table.Td>
              <Table.Td>
                <When at={one.validUntil} />
              </Table.Td>
              <Table.Td ta="right">
                <Action
                  variant="subtle"
                  color="red"
                  size="compact-sm"
                  why={one.current ? 'This is the session you are using: sign out instead.' : undefined}
                  aria-label={`End the session of ${one.user.name || one.user.login} from ${one.creatorIP ?? 'unknown'}`}
                  onClick={() => onEnd(one)}
                >
                  End
                </Action>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function Ending(props: {
  what: Row | 'all' | undefined
  everybody: boolean
  others: readonly Row[]
  onClose: () => void
  onDone: () => void
}) {
  const [one, endOne] = useMutation(EndMutation)
  const [all, endAll] = useMutation(EndAllMutation)
  const { what, others } = props
  if (!what) return null
  const machines = others.filter((session) => session.machine).length

  async function end() {
    const { error } = what === 'all' || !what ? await endAll({ everybody: props.everybody }) : await endOne({ id: what.id })
    if (error) warn('Nothing was ended', problemOf(error))
    else tell(what === 'all' ? 'All other sessions are over' : 'The session is over')
    props.onClose()
    props.onDone()
  }

  return (
    <Confirm
      opened
      title={what === 'all' ? 'End all other sessions?' : `End the session of ${what.user.name || what.user.login}?`}
      verb={what === 'all' ? 'End them' : 'End it'}
      dangerous
      busy={one.fetching || all.fetching}
      onClose={props.onClose}
      onConfirm={() => void end()}
    >
      <Text size="sm">
        {what === 'all'
          ? `${others.length} ${others.length === 1 ? 'session' : 'sessions'}, ${machines} of them of API keys. `
          : ''}
        Whoever uses it is asked to sign in again with their next click. What they have typed and not
        sent is lost. Runs go on.
        {machines > 0 && what === 'all' && ' Programs get a new token with their key by themselves.'}
      </Text>
    </Confirm>
  )
}
