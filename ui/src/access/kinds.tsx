import { IconHash, IconKey, IconStack2, IconUser, IconUsersGroup } from '@tabler/icons-react'
import type { ComponentType } from 'react'
import type { Client, CombinedError } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'
import { to } from '~/lib/paths'

import { ChooseGroup, ChooseKey, ChooseStack, ChooseUser } from './choose'

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
  page?: (id: string) => string
  /** Only administrators of the root space see the page. */
  forRoot?: true
  /** Without it, bindings of the kind are shown and cannot be changed here. */
  handled?: Handling
}

const GiveToUser = graphql(`
  mutation GiveToUser($input: UserRoleBindingInput!) {
    userRoleBindingCreate(input: $input) {
      id
    }
  }
`)
const TakeFromUser = graphql(`
  mutation TakeFromUser($id: ID!) {
    userRoleBindingDelete(id: $id) {
      id
    }
  }
`)
const GiveToGroup = graphql(`
  mutation GiveToGroup($input: UserGroupRoleBindingInput!) {
    userGroupRoleBindingCreate(input: $input) {
      id
    }
  }
`)
const TakeFromGroup = graphql(`
  mutation TakeFromGroup($id: ID!) {
    userGroupRoleBindingDelete(id: $id) {
      id
    }
  }
`)
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
  USER: {
    label: 'User',
    icon: IconUser,
    page: to.user,
    forRoot: true,
    handled: {
      words: 'They may do it as soon as they sign in, however they came.',
      Choose: ChooseUser,
      give: async (client, { subject, role, space }) => {
        const input = { userID: subject, roleID: role, spaceID: space }
        return (await client.mutation(GiveToUser, { input })).error
      },
      take: async (client, id) => (await client.mutation(TakeFromUser, { id })).error,
    },
  },
  GROUP: {
    label: 'Group',
    icon: IconUsersGroup,
    page: to.group,
    forRoot: true,
    handled: {
      words: 'Its members may do it: whom the identity provider named it of, and API keys that are in it.',
      Choose: ChooseGroup,
      give: async (client, { subject, role, space }) => {
        const input = { userGroupID: subject, roleID: role, spaceID: space }
        return (await client.mutation(GiveToGroup, { input })).error
      },
      take: async (client, id) => (await client.mutation(TakeFromGroup, { id })).error,
    },
  },
  CHANNEL: { label: 'Channel', icon: IconHash },
  API_KEY: {
    label: 'API key',
    icon: IconKey,
    page: to.apiKey,
    forRoot: true,
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
    page: to.stack,
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
