import { useClient } from 'urql'

import type { Owner } from '~/environment/given'
import { graphql, type ResultOf } from '~/graphql/gql'

export const ContextQuery = graphql(`
  query Context($id: ID!) {
    context(id: $id) {
      id
      name
      description
      labels
      space
      spaceDetails {
        id
        name
      }
      createdAt
      updatedAt
      hooks {
        beforeInit
        afterInit
        beforePlan
        afterPlan
        beforeApply
        afterApply
        beforeDestroy
        afterDestroy
        beforePerform
        afterPerform
        afterRun
      }
      config {
        id
        type
        writeOnly
        runtime
        createdAt
        description
      }
      attachedStacks {
        id
        stackId
        stackName
        isAutoattached
        priority
      }
    }
  }
`)

/** What a context holds may be nothing yet: then only this says what a change concerns. */
export const HELD = { additionalTypenames: ['ConfigElement', 'ContextStackAttachment'] }

/** Values stand apart: they are asked for when somebody looks. */
export const ValuesQuery = graphql(`
  query ContextValues($id: ID!) {
    context(id: $id) {
      id
      config {
        id
        type
        value
        writeOnly
        description
      }
    }
  }
`)

export const CreateMutation = graphql(`
  mutation CreateContext($input: ContextInput!) {
    contextCreateV2(input: $input) {
      id
      name
    }
  }
`)

export const UpdateMutation = graphql(`
  mutation UpdateContext($id: ID!, $input: ContextInput!) {
    contextUpdateV2(id: $id, input: $input) {
      id
      name
    }
  }
`)

export const DeleteMutation = graphql(`
  mutation DeleteContext($id: ID!, $force: Boolean!) {
    contextDelete(id: $id, force: $force) {
      id
    }
  }
`)

const ElementQuery = graphql(`
  query ContextElement($context: ID!, $id: ID!) {
    context(id: $context) {
      id
      configElement(id: $id) {
        id
        value
      }
    }
  }
`)

const PutMutation = graphql(`
  mutation PutContextElement($context: ID!, $config: ConfigInput!) {
    contextConfigAdd(context: $context, config: $config) {
      id
      checksum
    }
  }
`)

const DropMutation = graphql(`
  mutation DropContextElement($context: ID!, $id: ID!) {
    contextConfigDelete(context: $context, id: $id) {
      id
    }
  }
`)

export type Context = NonNullable<ResultOf<typeof ContextQuery>['context']>

/** The context as one whose variables and files are edited. */
export function useContextOwner(context: string): Owner {
  const client = useClient()
  return {
    next: 'Runs that begin from now on are given it, of every stack that has the context.',
    put: async (config) => (await client.mutation(PutMutation, { context, config })).error,
    drop: async (id) => (await client.mutation(DropMutation, { context, id })).error,
    read: async (id) => {
      const { data, error } = await client.query(ElementQuery, { context, id }, { requestPolicy: 'network-only' })
      return error ? { error } : { value: data?.context?.configElement?.value ?? '' }
    },
  }
}
