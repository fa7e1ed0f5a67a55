import { graphql, type ResultOf } from '~/graphql/gql'

export const NamedFields = graphql(`
  fragment NamedFields on NamedWebhooksIntegration @_unmask {
    id
    name
    enabled
    endpoint
    labels
    retryOnFailure
    hasSecret
    secretHeaders
    failures
    disabledReason
    createdAt
    space {
      id
      name
      accessLevel
    }
  }
`)

export type Named = ResultOf<typeof NamedFields>

export const NamedQuery = graphql(
  `
    query NamedWebhook($id: ID!) {
      namedWebhooksIntegration(id: $id) {
        ...NamedFields
      }
    }
  `,
  [NamedFields],
)

export const ListQuery = graphql(
  `
    query Webhooks($input: SearchInput!) {
      searchNamedWebhooksIntegrations(input: $input) {
        edges {
          node {
            ...NamedFields
          }
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  `,
  [NamedFields],
)

export const ValuesQuery = graphql(`
  query WebhookValues($input: SearchSuggestionsInput!) {
    searchNamedWebhooksIntegrationsSuggestions(input: $input) {
      total
      fields {
        field
        hasMore
        values {
          value
          label
          count
        }
      }
    }
  }
`)

export const SpacesQuery = graphql(`
  query SpacesForWebhooks {
    spaces {
      id
      name
      accessLevel
    }
  }
`)

export const CreateMutation = graphql(`
  mutation CreateWebhook($input: NamedWebhooksIntegrationInput!) {
    namedWebhooksIntegrationCreate(input: $input) {
      id
      name
    }
  }
`)

export const UpdateMutation = graphql(`
  mutation UpdateWebhook($id: ID!, $input: NamedWebhooksIntegrationInput!) {
    namedWebhooksIntegrationUpdate(id: $id, input: $input) {
      id
      name
    }
  }
`)

export const DeleteMutation = graphql(`
  mutation DeleteWebhook($id: ID!) {
    namedWebhooksIntegrationDelete(id: $id) {
      id
    }
  }
`)

export const SetHeadersMutation = graphql(`
  mutation SetWebhookHeaders($id: ID!, $input: NamedWebhookHeaderInput!) {
    namedWebhooksIntegrationSetHeaders(id: $id, input: $input) {
      id
      secretHeaders
    }
  }
`)

export const DeleteHeadersMutation = graphql(`
  mutation DeleteWebhookHeaders($id: ID!, $keys: [String!]!) {
    namedWebhooksIntegrationDeleteHeaders(id: $id, headerKeys: $keys) {
      id
      secretHeaders
    }
  }
`)

export const AuditQuery = graphql(`
  query AuditWebhook {
    auditTrailWebhook {
      id
      enabled
      endpoint
      includeRuns
      retryOnFailure
      hasSecret
      secretHeaders
      failures
      disabledReason
    }
  }
`)

export type AuditWebhook = NonNullable<ResultOf<typeof AuditQuery>['auditTrailWebhook']>

export const SetAuditMutation = graphql(`
  mutation SetAuditWebhook($input: AuditTrailWebhookInput!) {
    auditTrailSetWebhook(input: $input) {
      id
    }
  }
`)

export const DeleteAuditMutation = graphql(`
  mutation DeleteAuditWebhook {
    auditTrailDeleteWebhook {
      id
    }
  }
`)

export const SetAuditHeadersMutation = graphql(`
  mutation SetAuditWebhookHeaders($input: AuditTrailWebhookSetHeadersInput!) {
    auditTrailWebhookSetHeaders(input: $input) {
      id
      secretHeaders
    }
  }
`)

export const DeleteAuditHeadersMutation = graphql(`
  mutation DeleteAuditWebhookHeaders($input: AuditTrailWebhookDeleteHeadersInput!) {
    auditTrailWebhookDeleteHeaders(input: $input) {
      id
      secretHeaders
    }
  }
`)

export const OfStackQuery = graphql(`
  query StackWebhooks($id: ID!) {
    stack(id: $id) {
      id
      permitted
      spaceDetails {
        id
        name
      }
      integrations {
        webhooks {
          id
          enabled
          endpoint
          retryOnFailure
          hasSecret
          failures
          disabledReason
        }
      }
    }
  }
`)

export type OfStack = NonNullable<ResultOf<typeof OfStackQuery>['stack']>['integrations']['webhooks'][number]

export const CreateOfStackMutation = graphql(`
  mutation CreateStackWebhook($stack: ID!, $input: WebhooksIntegrationInput!) {
    webhooksIntegrationCreate(stack: $stack, input: $input) {
      id
    }
  }
`)

export const UpdateOfStackMutation = graphql(`
  mutation UpdateStackWebhook($stack: ID!, $id: ID!, $input: WebhooksIntegrationInput!) {
    webhooksIntegrationUpdate(stack: $stack, id: $id, input: $input) {
      id
    }
  }
`)

export const DeleteOfStackMutation = graphql(`
  mutation DeleteStackWebhook($stack: ID!, $id: ID!) {
    webhooksIntegrationDelete(stack: $stack, id: $id) {
      id
    }
  }
`)

export const DeliveriesQuery = graphql(`
  query WebhookDeliveries($webhook: ID!, $input: SearchInput!) {
    searchWebhookDeliveries(webhook: $webhook, input: $input) {
      edges {
        node {
          id
          event
          state
          createdAt
          attempts
          attemptedAt
          nextAttemptAt
          statusCode
          durationMs
          error
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`)

export type Delivery = ResultOf<typeof DeliveriesQuery>['searchWebhookDeliveries']['edges'][number]['node']

export const DeliveryQuery = graphql(`
  query WebhookDelivery($webhook: ID!, $id: ID!) {
    webhookDelivery(webhook: $webhook, id: $id) {
      id
      event
      state
      createdAt
      attempts
      attemptedAt
      nextAttemptAt
      statusCode
      durationMs
      error
      trace {
        requestHeaders {
          key
          value
        }
        privateHeaders
        requestBody
        answerHeaders {
          key
          value
        }
        answerBody
        answerCut
      }
    }
  }
`)

export const TestMutation = graphql(`
  mutation TestWebhook($webhook: ID!) {
    webhookTest(webhook: $webhook) {
      id
      state
      statusCode
      error
    }
  }
`)
