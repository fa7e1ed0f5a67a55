import { graphql, type ResultOf } from '~/graphql/gql'

export const TreeQuery = graphql(`
  query SpaceTree {
    spaces {
      id
      name
      description
      parentSpace
      inheritEntities
      labels
      accessLevel
      holds {
        stacks
        contexts
        workerPools
      }
    }
    allowNonRootAdminSpaceCreation
  }
`)

export const CreateMutation = graphql(`
  mutation CreateSpace($input: SpaceInput!) {
    spaceCreate(input: $input) {
      id
      name
    }
  }
`)

export const UpdateMutation = graphql(`
  mutation UpdateSpace($space: ID!, $input: SpaceInput!) {
    spaceUpdate(space: $space, input: $input) {
      id
      name
    }
  }
`)

export const DeleteMutation = graphql(`
  mutation DeleteSpace($space: ID!) {
    spaceDelete(space: $space) {
      id
    }
  }
`)

export type Tree = ResultOf<typeof TreeQuery>
export type Space = Tree['spaces'][number]
