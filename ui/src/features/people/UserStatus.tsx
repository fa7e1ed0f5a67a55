import { Badge, Group, Text, Tooltip, When } from '~/ui'

import type { UserRow } from './documents'
import { COLORS, MEANINGS, STATUSES } from './words'

/** How far somebody has come; for an invitation, until when it counts. */
export function UserStatus({ user }: { user: Pick<UserRow, 'status' | 'invitationExpiresAt'> }) {
  const { status, invitationExpiresAt } = user
  return (
    <Group gap={6}>
      <Tooltip label={MEANINGS[status]} multiline maw={320}>
        <Badge variant="light" color={COLORS[status]} tt="none" fw={500}>
          {STATUSES[status]}
        </Badge>
      </Tooltip>
      {status === 'PENDING' && (
        <Text size="xs" c="dimmed">
          ends <When at={invitationExpiresAt} />
        </Text>
      )}
      {status === 'EXPIRED' && (
        <Text size="xs" c="dimmed">
          <When at={invitationExpiresAt} />
        </Text>
      )}
    </Group>
  )
}
