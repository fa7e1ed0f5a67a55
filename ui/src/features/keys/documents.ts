import { graphql, type ResultOf } from '~/graphql/gql'

export const KeysQuery = graphql(`
  query ApiKeys {
    apiKeys {
      id
      name
      description
      type
      admin
      teams
      spaceCount
      creator
      createdAt
      lastUsedAt
      expiresAt
      openSessions
    }
  }
`)

export const KeyQuery = graphql(`
  query ApiKey($id: ID!) {
    apiKey(id: $id) {
      id
      name
      description
      type
      admin
      teams
      apiKeyRoleBindings {
        id
      }
      oidcSettings {
        issuer
        clientId
        subjectExpression
        claimMapping {
          entries {
            name
            value
          }
        }
      }
      creator
      createdAt
      lastUsedAt
      expiresAt
      openSessions
    }
  }
`)

export const MakersQuery = graphql(`
  query KeyMakers {
    apiKeysManagedByNonRootAdmins
  }
`)

export const MakersMutation = graphql(`
  mutation LetSpaceAdminsMakeKeys($enable: Boolean!) {
    apiKeyEnableNonRootManagers(enable: $enable)
  }
`)

export const CreateMutation = graphql(`
  mutation CreateApiKey($input: ApiKeyInput!) {
    apiKeyCreate(input: $input) {
      id
      name
      type
      secret
      admin
      teams
    }
  }
`)

export const UpdateMutation = graphql(`
  mutation UpdateApiKey($id: ID!, $input: ApiKeyUpdateInput!) {
    apiKeyUpdate(id: $id, input: $input) {
      id
      name
    }
  }
`)

export const DeleteMutation = graphql(`
  mutation DeleteApiKey($id: ID!) {
    apiKeyDelete(id: $id) {
      id
    }
  }
`)

export type KeyRow = ResultOf<typeof KeysQuery>['apiKeys'][number]
export type Key = NonNullable<ResultOf<typeof KeyQuery>['apiKey']>
export type Made = ResultOf<typeof CreateMutation>['apiKeyCreate']
