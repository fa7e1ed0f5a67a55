import { Anchor, CopyText, Stack, Text } from '~/ui'

import type { Addresses as Known } from './documents'
import type { Kind } from './kinds'

/** What to enter at the provider. */
export function Addresses({ kind, addresses }: { kind: Kind; addresses: Known }) {
  if (kind === 'SAML') {
    return (
      <Stack gap="xs">
        <Text size="sm">
          Make a SAML 2.0 application with these, or give it{' '}
          <Anchor href="/saml/metadata" download="gantry-metadata.xml">
            our metadata
          </Anchor>
          . Have it sign assertions or whole responses with SHA-256, and not encrypt them.
        </Text>
        <CopyText label="Assertion consumer service (ACS)" value={addresses.samlAcsUrl} />
        <CopyText label="Entity id, also called audience" value={addresses.samlEntityId} />
      </Stack>
    )
  }
  const github = kind === 'GITHUB'
  return (
    <Stack gap="xs">
      <Text size="sm">
        {github
          ? 'Make an OAuth app in the settings of your organization at GitHub, with this address.'
          : 'Make a web application (confidential client) with this address. It has to tell e-mail addresses; if it offers the scopes profile and groups, those are asked for as well.'}
      </Text>
      <CopyText
        label={github ? 'Authorization callback URL' : 'Redirect URL'}
        value={github ? addresses.githubRedirectUrl : addresses.oidcRedirectUrl}
      />
    </Stack>
  )
}
