import { useState } from 'react'
import { useQuery } from 'urql'

import { Refused } from '~/graphql/Refused'
import { lacking, useRights } from '~/graphql/rights'
import { Alert, Card, Coming, Empty, Facts, SegmentedControl, Stack, Text, Title, When } from '~/ui'

import { Addresses } from './Addresses'
import { Deletion } from './Deletion'
import { SettingsQuery, type Settings } from './documents'
import { GitHubForm } from './GitHubForm'
import { KINDS, kindOf, type Kind } from './kinds'
import { OidcForm } from './OidcForm'
import { SamlForm } from './SamlForm'

/** Who vouches for people: one identity provider, or none. */
export default function SignOn() {
  const rights = useRights()
  const forbidden = lacking(rights, 'SPACE_ADMIN')
  const [{ data, error }, ask] = useQuery({
    query: SettingsQuery,
    pause: !rights || forbidden !== undefined,
  })
  const again = () => ask({ requestPolicy: 'network-only' })
  if (forbidden) return <Empty title="Only administrators see single sign-on">{forbidden}</Empty>
  if (error) return <Refused title="Single sign-on could not be loaded" error={error} />
  if (!data) return <Coming height={320} />
  const kind = kindOf(data)
  return (
    <Stack maw={820} gap="lg">
      <Text size="sm" c="dimmed">
        People sign in with your company&apos;s accounts when an identity provider vouches for them. Whoever
        was invited, or is in a group that this account knows, is let in.
      </Text>
      {kind ? <Present kind={kind} settings={data} onDone={again} /> : <SetUp settings={data} onDone={again} />}
      <Alert color="gray" title="The way back in">
        <Text size="sm">
          ADMIN_USERNAME and ADMIN_PASSWORD open the account whatever is set here, and so does an API key of an
          administrator at <code>/apikeytoken</code>. After a change, sign in once in a private window
          before you sign out here.
        </Text>
      </Alert>
    </Stack>
  )
}

function Present(props: { kind: Kind; settings: Settings; onDone: () => void }) {
  const { kind, settings, onDone } = props
  const kept = settings.oidcSettings ?? settings.samlSettings ?? settings.githubSignOnSettings
  return (
    <>
      <Card withBorder>
        <Stack gap="sm">
          <Title order={2}>{KINDS[kind]} vouches for people</Title>
          <Facts
            facts={[
              ['Provider', <code key="provider">{nameOf(settings)}</code>],
              ['Changed', kept && <When key="at" at={kept.changedAt} />],
              ['By', kept?.changedBy],
            ]}
          />
          <Addresses kind={kind} addresses={settings.signOnAddresses} />
        </Stack>
      </Card>
      <Card withBorder>
        <Stack gap="sm">
          <Title order={2}>Settings</Title>
          <Form key={kept?.changedAt} kind={kind} settings={settings} onDone={onDone} />
        </Stack>
      </Card>
      <Card withBorder>
        <Stack gap="sm">
          <Title order={2}>Delete single sign-on</Title>
          <Deletion kind={kind} onDone={onDone} />
        </Stack>
      </Card>
    </>
  )
}

function SetUp({ settings, onDone }: { settings: Settings; onDone: () => void }) {
  const [kind, setKind] = useState<Kind>('OIDC')
  return (
    <Card withBorder>
      <Stack gap="md">
        <Title order={2}>Set up single sign-on</Title>
        <SegmentedControl
          aria-label="What the identity provider speaks"
          data={Object.entries(KINDS).map(([value, label]) => ({ value, label }))}
          value={kind}
          onChange={(value) => setKind(value as Kind)}
        />
        <section>
          <Title order={3} size="h6" mb={4}>
            1. At the provider
          </Title>
          <Addresses kind={kind} addresses={settings.signOnAddresses} />
        </section>
        <section>
          <Title order={3} size="h6" mb={4}>
            2. Here
          </Title>
          <Form kind={kind} settings={settings} onDone={onDone} />
        </section>
      </Stack>
    </Card>
  )
}

function Form(props: { kind: Kind; settings: Settings; onDone: () => void }) {
  const { kind, settings, onDone } = props
  if (kind === 'OIDC') return <OidcForm kept={settings.oidcSettings} onDone={onDone} />
  if (kind === 'SAML') return <SamlForm kept={settings.samlSettings} onDone={onDone} />
  return <GitHubForm kept={settings.githubSignOnSettings} onDone={onDone} />
}

function nameOf({ oidcSettings, samlSettings, githubSignOnSettings }: Settings): string {
  if (oidcSettings) return oidcSettings.providerUrl
  if (samlSettings) return samlSettings.provider
  return githubSignOnSettings ? `${githubSignOnSettings.address}/${githubSignOnSettings.organization}` : ''
}
