import { useState } from 'react'
import { useQuery } from 'urql'

import { graphql } from '~/graphql/gql'
import { Select, TextInput, useDebouncedValue } from '~/ui'

import type { ChooseProps } from './kinds'

const KeysQuery = graphql(`
  query KeysToChoose {
    apiKeys {
      id
      name
    }
  }
`)

const UsersQuery = graphql(`
  query UsersToChoose {
    managedUsers {
      id
      username
      invitationEmail
      loginMethod
    }
  }
`)

const GroupsQuery = graphql(`
  query GroupsToChoose {
    managedUserGroups {
      id
      groupName
    }
  }
`)

const StacksQuery = graphql(`
  query StacksToChoose($input: SearchInput!) {
    searchStacks(input: $input) {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`)

/** As many as are seen at a glance; more are found by their letters. */
const SHOWN = 30

interface FromAList extends ChooseProps {
  label: string
  /** All that there are; `undefined` until they have come. */
  known: readonly { value: string; label: string }[] | undefined
  /** The list was refused: the id has to do. */
  refused: boolean
}

/** One of a list by its name; by its id for those who may not see the list. */
function Choose({ label, known, refused, value, onChange }: FromAList) {
  const noun = label === 'API key' ? label : label.toLowerCase()
  if (refused) {
    return (
      <TextInput
        label={`Id of the ${noun}`}
        description="Only administrators of the root space see the list. They can tell you the id."
        value={value ?? ''}
        onChange={(event) => onChange(event.currentTarget.value.trim() || null)}
        autoComplete="off"
      />
    )
  }
  return (
    <Select
      label={label}
      placeholder={known?.length === 0 ? `There is no ${noun} yet` : 'Choose one'}
      data={known ?? []}
      value={value}
      onChange={onChange}
      searchable
      limit={SHOWN}
      nothingFoundMessage={`No ${noun} has these letters`}
    />
  )
}

/** A user by name and address. */
export function ChooseUser(props: ChooseProps) {
  const [{ data, error }] = useQuery({ query: UsersQuery })
  const known = data?.managedUsers.map(({ id, username, invitationEmail, loginMethod }) => {
    const more = [invitationEmail, loginMethod ?? 'invited'].filter((one) => one && one !== username)
    return { value: id, label: `${username} (${more.join(', ')})` }
  })
  return <Choose {...props} label="User" known={known} refused={error !== undefined} />
}

/** A group that the account knows. */
export function ChooseGroup(props: ChooseProps) {
  const [{ data, error }] = useQuery({ query: GroupsQuery })
  const known = data?.managedUserGroups.map(({ id, groupName }) => ({ value: id, label: groupName }))
  return <Choose {...props} label="Group" known={known} refused={error !== undefined} />
}

/** An API key; there may be several of one name. */
export function ChooseKey(props: ChooseProps) {
  const [{ data, error }] = useQuery({ query: KeysQuery })
  const known = data?.apiKeys.map(({ id, name }) => ({ value: id, label: `${name} (${id})` }))
  return <Choose {...props} label="API key" known={known} refused={error !== undefined} />
}

/** A stack by its name. */
export function ChooseStack({ value, onChange }: ChooseProps) {
  const [words, setWords] = useState('')
  const [settled] = useDebouncedValue(words, 200)
  const input = { first: SHOWN, fullTextSearch: settled || null }
  const [{ data }] = useQuery({ query: StacksQuery, variables: { input } })
  return (
    <Select
      label="Stack"
      placeholder="Type to find one"
      data={(data?.searchStacks.edges ?? []).map(({ node }) => ({ value: node.id, label: node.name }))}
      value={value}
      onChange={onChange}
      searchable
      onSearchChange={setWords}
      // The server has looked already.
      filter={({ options }) => options}
      nothingFoundMessage="No stack has these letters"
    />
  )
}
