import { Link } from 'react-router'

import { useStanding } from '~/graphql/standing'
import { to } from '~/lib/paths'
import { Anchor, Group } from '~/ui'

interface Props {
  id: string
  /** The name that the audit trail has it by, if it can do anything. */
  login?: string | undefined
  person?: true
}

/** Ways into the audit trail, for those who may read it: what was done to something, and by it. */
export function AuditLinks({ id, login, person }: Props) {
  const standing = useStanding()
  if (!standing?.rootAdmin) return null
  return (
    <Group gap="lg">
      {login !== undefined && (
        <Anchor component={Link} to={to.auditBy(login)} size="sm">
          {person ? 'What they did' : 'What was done with it'}
        </Anchor>
      )}
      <Anchor component={Link} to={to.auditOf(id)} size="sm">
        {person ? 'What was done to them' : 'What was done to it'}
      </Anchor>
    </Group>
  )
}
