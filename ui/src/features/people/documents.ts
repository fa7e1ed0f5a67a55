import { graphql, type ResultOf } from '~/graphql/gql'

export const UsersQuery = graphql(`
  query Users {
    managedUsers {
      id
      username
      name
      email
      invitationEmail
      invitationExpiresAt
      loginMethod
      status
      lastLoginTime
      spaceCount
      groups
    }
    authorizationScheme
    samlSettings {
      metadata
    }
    oidcSettings {
      providerUrl
    }
    githubSignOnSettings {
      address
    }
  }
`)

export const UserQuery = graphql(`
  query User($id: ID!) {
    managedUser(id: $id) {
      id
      username
      name
      email
      invitationEmail
      invitationExpiresAt
      invitedBy
      loginMethod
      status
      lastLoginTime
      openSessions
      spaceCount
      roleBindings {
        id
      }
      groups
    }
  }
`)

export const InviteMutation = graphql(`
  mutation InviteUser($input: ManagedUserInviteInputV2!) {
    managedUserInviteV2(input: $input) {
      id
      username
      invitationEmail
      invitationExpiresAt
      status
    }
  }
`)

export const InviteAgainMutation = graphql(`
  mutation InviteUserAgain($id: ID!) {
    managedUserResendInvite(id: $id) {
      id
      username
      invitationEmail
      invitationExpiresAt
      status
    }
  }
`)

export const DeleteUserMutation = graphql(`
  mutation DeleteUser($id: ID!) {
    managedUserDelete(id: $id) {
      id
    }
  }
`)

export const SchemeMutation = graphql(`
  mutation SetScheme($scheme: AuthorizationScheme!) {
    accountUpdateAuthorizationScheme(authorizationScheme: $scheme)
  }
`)

export const GroupsQuery = graphql(`
  query Groups {
    managedUserGroups {
      id
      groupName
      description
      identityProvider
      lastLoginTime
      memberCount
      spaceCount
    }
  }
`)

export const GroupQuery = graphql(`
  query Group($id: ID!) {
    managedUserGroup(id: $id) {
      id
      groupName
      description
      identityProvider
      lastLoginTime
      memberCount
      roleBindings {
        id
      }
    }
    managedUsers {
      id
      username
      status
      lastLoginTime
      groups
    }
    apiKeys {
      id
      name
      teams
    }
  }
`)

export const CreateGroupMutation = graphql(`
  mutation CreateGroup($input: ManagedUserGroupCreateInputV2!) {
    managedUserGroupCreateV2(input: $input) {
      id
      groupName
    }
  }
`)

export const DescribeGroupMutation = graphql(`
  mutation DescribeGroup($input: ManagedUserGroupUpdateInputV2!) {
    managedUserGroupUpdateV2(input: $input) {
      id
      description
    }
  }
`)

export const DeleteGroupMutation = graphql(`
  mutation DeleteGroup($id: ID!) {
    managedUserGroupDelete(id: $id) {
      id
    }
  }
`)

export type UserRow = ResultOf<typeof UsersQuery>['managedUsers'][number]
export type User = NonNullable<ResultOf<typeof UserQuery>['managedUser']>
export type Invited = NonNullable<ResultOf<typeof InviteMutation>['managedUserInviteV2']>
export type Scheme = ResultOf<typeof UsersQuery>['authorizationScheme']
export type GroupRow = ResultOf<typeof GroupsQuery>['managedUserGroups'][number]
export type Group = NonNullable<ResultOf<typeof GroupQuery>['managedUserGroup']>
export type Member = ResultOf<typeof GroupQuery>['managedUsers'][number]
