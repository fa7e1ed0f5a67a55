import { Link } from 'react-router'
import { useQuery } from 'urql'

import { graphql } from '~/graphql/gql'
import { to } from '~/lib/paths'
import { Anchor, Group, TagsInput, Text, Tooltip } from '~/ui'

const GroupsQuery = graphql(`
  query GroupNames {
    managedUserGroups {
      id
      groupName
    }
    availableUserGroups
  }
`)

export interface KnownGroup {
  id: string
  name: string
}

/** Groups of the account, and every name that an identity provider has said; for root admins. */
export function useGroups(options: { pause?: boolean } = {}) {
  const [{ data }] = useQuery({ query: GroupsQuery, pause: options.pause ?? false })
  const known = data?.managedUserGroups.map(({ id, groupName }): KnownGroup => ({ id, name: groupName }))
  return { known, heard: data?.availableUserGroups }
}

interface Props {
  label: string
  description?: string
  value: string[]
  onChange: (names: string[]) => void
  /** Why nothing can be chosen. */
  why?: string | undefined
}

/** Names of groups, those first that the account knows. */
export function GroupNames({ label, description, value, onChange, why }: Props) {
  const { known = [], heard = [] } = useGroups({ pause: why !== undefined })
  return (
    <TagsInput
      label={label}
      description={why ?? description}
      data={[...new Set([...known.map(({ name }) => name), ...heard])]}
      value={value}
      onChange={onChange}
      disabled={why !== undefined}
      // Names are exactly the provider's: they may have commas in them.
      splitChars={[]}
      acceptValueOnBlur
      clearable
    />
  )
}

/** Groups side by side, each leading to its page; what the account does not know gives nothing. */
export function GroupList({ names, known }: { names: readonly string[]; known: readonly KnownGroup[] | undefined }) {
  return (
    <Group gap="xs">
      {names.map((name) => {
        const group = known?.find((one) => one.name === name)
        if (group) {
          return (
            <Anchor key={name} component={Link} to={to.group(group.id)} size="sm">
              {name}
            </Anchor>
          )
        }
        return (
          <Tooltip key={name} label="No group of this account: it gives nothing." disabled={known === undefined}>
            <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
              {name}
            </Text>
          </Tooltip>
        )
      })}
    </Group>
  )
}
