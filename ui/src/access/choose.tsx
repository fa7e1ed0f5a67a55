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

/** An API key by its name; by its id for those who may not see the list. */
export function ChooseKey({ value, onChange }: ChooseProps) {
  const [{ data, error }] = useQuery({ query: KeysQuery })
  if (error) {
    return (
      <TextInput
        label="Id of the API key"
        description="Only administrators see the list of keys. Whoever made the key has its id."
        value={value ?? ''}
        onChange={(event) => onChange(event.currentTarget.value.trim() || null)}
        autoComplete="off"
      />
    )
  }
  return (
    <Select
      label="API key"
      placeholder="Choose one"
      data={(data?.apiKeys ?? []).map(({ id, name }) => ({ value: id, label: `${name} (${id})` }))}
      value={value}
      onChange={onChange}
      searchable
      nothingFoundMessage="No key has these letters"
    />
  )
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
