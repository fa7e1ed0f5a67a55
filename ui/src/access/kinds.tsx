import { IconHash, IconKey, IconStack2, IconUser, IconUsersGroup } from '@tabler/icons-react'
import type { ComponentType } from 'react'
import type { Client, CombinedError } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'

import { ChooseKey, ChooseStack } from './choose'

const GivenTo = graphql(`
  query GivenTo($input: SearchInput!) {
    searchRoleBindings(input: $input) {
      edges {
        node {
          subject
        }
      }
    }
  }
`)

/** To whom roles are given. */
export type Kind = ResultOf<typeof GivenTo>['searchRoleBindings']['edges'][number]['node']['subject']

export interface Gift {
  subject: string
  role: string
  space: string
}

export interface ChooseProps {
  value: string | null
  onChange: (id: string | null) => void
}

/** How roles are given to one kind, and taken away. */
interface Handling {
  /** What stands behind it, for whoever does not know the kind. */
  words: string
  Choose: ComponentType<ChooseProps>
  give: (client: Client, gift: Gift) => Promise<CombinedError | undefined>
  take: (client: Client, binding: string) => Promise<CombinedError | undefined>
}

interface Shown {
  label: string
  icon: typeof IconKey
  /** Without it, bindings of the kind are shown and cannot be changed here. */
  handled?: Handling
}

const GiveToKey = graphql(`
  mutation GiveToKey($input: ApiKeyRoleBindingInput!) {
    apiKeyRoleBindingCreate(input: $input) {
      id
    }
  }
`)
const TakeFromKey = graphql(`
  mutation TakeFromKey($id: ID!) {
    apiKeyRoleBindingDelete(id: $id) {
      id
    }
  }
`)
const GiveToStack = graphql(`
  mutation GiveToStack($input: StackRoleBindingInput!) {
    stackRoleBindingCreate(input: $input) {
      id
    }
  }
`)
const TakeFromStack = graphql(`
  mutation TakeFromStack($id: ID!) {
    stackRoleBindingDelete(id: $id) {
      id
    }
  }
`)

/** Every kind there is. One that gets `handled` can be chosen wherever a role is given. */
export const KINDS: Record<Kind, Shown> = {
  USER: { label: 'User', icon: IconUser },
  GROUP: { label: 'Group', icon: IconUsersGroup },
  CHANNEL: { label: 'Channel', icon: IconHash },
  API_KEY: {
    label: 'API key',
    icon: IconKey,
    handled: {
      words: 'Whatever signs in with the key may do it.',
      Choose: ChooseKey,
      give: async (client, { subject, role, space }) => {
        const input = { apiKeyID: subject, roleID: role, spaceID: space }
        return (await client.mutation(GiveToKey, { input })).error
      },
      take: async (client, id) => (await client.mutation(TakeFromKey, { id })).error,
    },
  },
  STACK: {
    label: 'Stack',
    icon: IconStack2,
    handled: {
      words: 'Runs of the stack may do it, by the token that each of them has.',
      Choose: ChooseStack,
      give: async (client, { subject, role, space }) => {
        const input = { stackID: subject, roleID: role, spaceID: space }
        return (await client.mutation(GiveToStack, { input })).error
      },
      take: async (client, id) => (await client.mutation(TakeFromStack, { id })).error,
    },
  },
}

export const ALL_KINDS = Object.keys(KINDS) as readonly Kind[]
