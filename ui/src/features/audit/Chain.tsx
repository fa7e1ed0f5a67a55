import { AUDIT, useFollowing } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { Card, Code, Group, Text, When } from '~/ui'

import { ChainQuery } from './documents'

/** How far the trail is sealed, and what that is good for. */
export function Chain() {
  const [{ data, error }] = useFollowing(AUDIT, { query: ChainQuery })
  if (error && !data) return <Refused title="How far the trail is sealed is not known" error={error} />
  const chain = data?.auditTrailChain
  return (
    <Card withBorder padding="sm" mih={62}>
      {chain && (
        <Group gap="xs">
          <Text size="sm">
            {chain.sealed === 0 ? (
              'Nothing is sealed yet.'
            ) : (
              <>
                <b>Sealed up to no. {chain.sealed.toLocaleString()}</b>: each entry&apos;s digest covers the one before
                it.
              </>
            )}{' '}
            {chain.checkpoint === null ? (
              'No checkpoint is signed yet; the first comes within the hour.'
            ) : (
              <>
                The last signed checkpoint is of no. {chain.checkpoint.toLocaleString()}, <When at={chain.checkpointAt} />
                .
              </>
            )}{' '}
            {chain.waiting > 0 &&
              `${chain.waiting.toLocaleString()} ${chain.waiting === 1 ? 'entry waits' : 'entries wait'} to be sealed.`}
          </Text>
          <Text size="xs" c="dimmed">
            <Code>gantry admin audit verify</Code> proves that none was changed or left out.
          </Text>
        </Group>
      )}
    </Card>
  )
}
