import { graphql, type ResultOf } from '~/graphql/gql'

/** All that a run will be given, without the values: those are asked for when somebody looks. */
export const EnvironmentQuery = graphql(`
  query StackEnvironment($id: ID!) {
    stack(id: $id) {
      id
      runtimeConfig {
        context {
          contextId
          contextName
        }
        element {
          id
          type
          writeOnly
          runtime
          createdAt
          description
          fileMode
        }
      }
    }
  }
`)

export const ValuesQuery = graphql(`
  query StackValues($id: ID!) {
    stack(id: $id) {
      id
      config(type: ENVIRONMENT_VARIABLE) {
        id
        value
      }
      attachedContexts {
        contextId
        config {
          id
          type
          value
        }
      }
    }
  }
`)

export const ElementQuery = graphql(`
  query StackElement($stack: ID!, $id: ID!) {
    stack(id: $stack) {
      id
      configElement(id: $id) {
        id
        type
        value
        writeOnly
        description
      }
    }
  }
`)

export const PutElement = graphql(`
  mutation PutElement($stack: ID!, $config: ConfigInput!) {
    stackConfigAdd(stack: $stack, config: $config) {
      id
      checksum
    }
  }
`)

export const DropElement = graphql(`
  mutation DropElement($stack: ID!, $id: ID!) {
    stackConfigDelete(stack: $stack, id: $id) {
      id
    }
  }
`)

export type Given = NonNullable<ResultOf<typeof EnvironmentQuery>['stack']>['runtimeConfig'][number]

/** Where it comes from: the stack itself, a context, or Gantry for each run. */
export function sourceOf(given: Given): string {
  if (given.element.runtime) return 'computed for each run'
  return given.context ? given.context.contextName : 'this stack'
}

/** Whether it is the stack's own, and can be changed here. */
export function own(given: Given): boolean {
  return !given.element.runtime && !given.context
}
