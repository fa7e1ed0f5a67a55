import { useClient } from 'urql'

import { PutStackElement, type Given, type Owner } from '~/environment/given'
import { graphql, type ResultOf } from '~/graphql/gql'

/** All that a run will be given, without the values: those are asked for when somebody looks. */
export const EnvironmentQuery = graphql(`
  query StackEnvironment($id: ID!) {
    stack(id: $id) {
      id
      runtimeConfig(byLabel: true) {
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
        }
        place {
          source
        }
        insteadOf {
          source
          contextId
          contextName
        }
      }
      attachedContexts {
        id
        contextId
        contextName
        contextDescription
        isAutoattached
        priority
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

const ElementQuery = graphql(`
  query StackElement($stack: ID!, $id: ID!) {
    stack(id: $stack) {
      id
      configElement(id: $id) {
        id
        value
      }
    }
  }
`)

const DropMutation = graphql(`
  mutation DropElement($stack: ID!, $id: ID!) {
    stackConfigDelete(stack: $stack, id: $id) {
      id
    }
  }
`)

type Environment = NonNullable<ResultOf<typeof EnvironmentQuery>['stack']>
export type StackContext = Environment['attachedContexts'][number]

const SOURCES: Record<Environment['runtimeConfig'][number]['place']['source'], string> = {
  RUN: 'a single run',
  FILE: 'the file in the repository',
  FILE_DEFAULTS: 'the file in the repository, for all stacks',
  STACK: 'this stack',
  CONTEXT: 'a context',
  ACCOUNT: 'the account',
  COMPUTED: 'computed for each run',
}

/** The elements in words: from the stack itself, a context, or computed for each run. */
export function givenOf(found: Environment['runtimeConfig'][number]): Given {
  const { element, context, place, insteadOf } = found
  return {
    element,
    context: context ? { id: context.contextId, name: context.contextName } : undefined,
    source: context?.contextName ?? SOURCES[place.source],
    own: place.source === 'STACK',
    insteadOf: insteadOf.map((one) => ({
      id: one.contextId ?? undefined,
      name: one.contextName ?? SOURCES[one.source],
    })),
  }
}

/** The stack as one whose variables and files are edited. */
export function useStackOwner(stack: string): Owner {
  const client = useClient()
  return {
    next: 'The next run is given it.',
    put: async (config) => (await client.mutation(PutStackElement, { stack, config })).error,
    drop: async (id) => (await client.mutation(DropMutation, { stack, id })).error,
    read: async (id) => {
      const { data, error } = await client.query(ElementQuery, { stack, id }, { requestPolicy: 'network-only' })
      return error ? { error } : { value: data?.stack?.configElement?.value ?? '' }
    },
  }
}
