import { graphql, type ResultOf } from '~/graphql/gql'

export const RolesQuery = graphql(`
  query Roles {
    roles {
      id
      name
      slug
      description
      isSystem
      actions
      roleBindingsCount
    }
  }
`)

export const RoleQuery = graphql(`
  query Role($id: ID!) {
    role(id: $id) {
      id
      name
      slug
      description
      isSystem
      actions
      roleBindingsCount
    }
  }
`)

export const CreateMutation = graphql(`
  mutation CreateRole($input: RoleInput!) {
    roleCreate(input: $input) {
      id
      name
    }
  }
`)

export const UpdateMutation = graphql(`
  mutation UpdateRole($id: ID!, $input: RoleUpdateInput!) {
    roleUpdate(id: $id, input: $input) {
      id
      name
    }
  }
`)

export const DeleteMutation = graphql(`
  mutation DeleteRole($id: ID!) {
    roleDelete(id: $id) {
      id
    }
  }
`)

export type Role = ResultOf<typeof RolesQuery>['roles'][number]
