import { Link } from 'react-router'

import { useStanding } from '~/graphql/standing'
import { to } from '~/lib/paths'
import { Anchor, Group } from '~/ui'

/** Ways into the audit trail, for those who may read it: what was done to something, and by it. */
export function AuditLinks({ id, login }: { id: string; login?: string | undefined }) {
  const standing = useStanding()
  if (!standing?.rootAdmin) return null
  return (
    <Group gap="lg">
      {login !== undefined && (
        <Anchor component={Link} to={to.auditBy(login)} size="sm">
          What they did
        </Anchor>
      )}
      <Anchor component={Link} to={to.auditOf(id)} size="sm">
        What was done to it
      </Anchor>
    </Group>
  )
}
