import { graphql, type ResultOf } from '~/graphql/gql'

export const SettingsQuery = graphql(`
  query SignOnSettings {
    signOnAddresses {
      oidcRedirectUrl
      githubRedirectUrl
      samlAcsUrl
      samlEntityId
    }
    oidcSettings {
      clientId
      providerUrl
      changedAt
      changedBy
    }
    samlSettings {
      metadata
      dynamic
      nameIdFormat
      attributeMappings {
        idpAttribute
        attribute
      }
      provider
      changedAt
      changedBy
    }
    githubSignOnSettings {
      clientId
      organization
      address
      changedAt
      changedBy
    }
  }
`)

export type Settings = ResultOf<typeof SettingsQuery>
export type Addresses = Settings['signOnAddresses']

export const CreateOidc = graphql(`
  mutation CreateOidc($input: OIDCInput!) {
    oidcCreate(input: $input) {
      clientId
    }
  }
`)

export const UpdateOidc = graphql(`
  mutation UpdateOidc($input: OIDCInput!) {
    oidcUpdate(input: $input) {
      clientId
    }
  }
`)

export const CreateSaml = graphql(`
  mutation CreateSaml($input: SAMLInput!) {
    samlCreate(input: $input) {
      provider
    }
  }
`)

export const UpdateSaml = graphql(`
  mutation UpdateSaml($input: SAMLInput!) {
    samlUpdate(input: $input) {
      provider
    }
  }
`)

export const SetGitHub = graphql(`
  mutation SetGitHub($input: GitHubSignOnInput!) {
    githubSignOnSet(input: $input) {
      clientId
    }
  }
`)

export const DeleteOidc = graphql(`
  mutation DeleteOidc {
    oidcDelete {
      clientId
    }
  }
`)

export const DeleteSaml = graphql(`
  mutation DeleteSaml {
    samlDelete {
      provider
    }
  }
`)

export const DeleteGitHub = graphql(`
  mutation DeleteGitHub {
    githubSignOnDelete {
      clientId
    }
  }
`)
