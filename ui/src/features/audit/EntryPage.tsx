import { Link, useParams } from 'react-router'

import { AUDIT, useFollowing } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { exact } from '~/lib/time'
import { Anchor, Card, Coming, CopyBlock, CopyText, Empty, Facts, Stack, Text, Title, When } from '~/ui'

import { EntriesQuery, type Entry } from './documents'
import { kindOf, pageOf, readable } from './words'

/** One entry of the audit trail, with all that it keeps. */
export default function EntryPage() {
  const { entryId = '' } = useParams()
  const input = { first: 1, predicates: [{ field: 'id', constraint: { stringMatches: [entryId] } }] }
  const [{ data, error }] = useFollowing(AUDIT, { query: EntriesQuery, variables: { input } })
  const entry = data?.searchAuditTrailEntries.edges[0]?.node
  return (
    <Stack gap="md">
      <Anchor component={Link} to={to.audit()} size="sm">
        The whole audit trail
      </Anchor>
      {entry ? <Shown entry={entry} /> : <Title order={1}>Audit entry</Title>}
      {error && !data && <Refused title="The entry could not be loaded" error={error} />}
      {!data && !error && <Coming height={320} />}
      {data && !entry && (
        <Empty title="There is no such entry">
          Entries are kept for as long as the installation is set to, and are then forgotten by the month.
        </Empty>
      )}
    </Stack>
  )
}

function Shown({ entry }: { entry: Entry }) {
  const page = pageOf(entry)
  const { resourceId } = entry.affectedResource
  return (
    <>
      <div>
        <Title order={1}>{entry.action}</Title>
        <Text c="dimmed">
          by {entry.actor.username}, <When at={entry.createdAt} />
        </Text>
      </div>
      <Card withBorder>
        <Facts
          facts={[
            [
              'Done to',
              <span key="what">
                {kindOf(entry.affectedResource)} {resourceId && <code>{resourceId}</code>}
              </span>,
            ],
            [
              'Its page',
              page && (
                <Anchor key="page" component={Link} to={page} inherit>
                  Open it
                </Anchor>
              ),
            ],
            [
              'Belongs to',
              entry.relatedResource?.resourceId && (
                <span key="related">
                  {kindOf(entry.relatedResource)} <code>{entry.relatedResource.resourceId}</code>
                </span>
              ),
            ],
            [
              'Who',
              <Anchor key="who" component={Link} to={listOf('actor', entry.actor.username)} inherit>
                {entry.actor.username}
              </Anchor>,
            ],
            [
              'By its run',
              entry.actor.run?.stackId && (
                <Anchor key="run" component={Link} to={to.run(entry.actor.run.stackId, entry.actor.run.id)} inherit>
                  {entry.actor.run.id}
                </Anchor>
              ),
            ],
            ['From', entry.remoteIP],
            ['When', exact(entry.createdAt)],
            ['Place in the chain', entry.sequence === null ? 'not sealed yet' : `no. ${entry.sequence.toLocaleString()}`],
            [
              'The same thing',
              resourceId && (
                <Anchor key="all" component={Link} to={listOf('affectedResourceId', resourceId)} inherit>
                  All that was done to it
                </Anchor>
              ),
            ],
          ]}
        />
      </Card>
      {entry.body ? (
        <CopyBlock label="What was asked, secrets left out" text={readable(entry.body)} />
      ) : (
        <Text size="sm" c="dimmed">
          There is nothing more to say of it.
        </Text>
      )}
      <CopyText label="Link to this entry" value={`${window.location.origin}${to.auditEntry(entry.id)}`} />
    </>
  )
}

/** The address of the list, narrowed to one value. */
function listOf(field: string, value: string): string {
  return `${to.audit()}?f.${field}=${encodeURIComponent(value)}`
}
