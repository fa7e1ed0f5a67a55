import { Alert, Anchor, Stack, TagsInput, Text, TextInput } from '~/ui'

import type { Trust } from './words'

const SYNTAX = 'https://github.com/google/re2/wiki/Syntax'

interface Props {
  trust: Trust
  onChange: (trust: Trust) => void
  /** Why no claims can be mapped. */
  noClaims: string | undefined
}

/** Whose tokens are taken for a key without a secret. */
export function TrustFields({ trust, onChange, noClaims }: Props) {
  return (
    <Stack>
      <Alert color="gray" title="Pipelines without a secret">
        <Text size="sm">
          Systems such as GitHub Actions and GitLab sign a token for each job. The job sends it where a secret would
          be, with the id of the key; it is taken when its signature, issuer, audience, subject and times are right.
        </Text>
      </Alert>
      <TextInput
        label="Issuer"
        description="The token's iss, to the letter. The server fetches the keys there, at /.well-known/openid-configuration."
        placeholder="https://token.actions.githubusercontent.com"
        value={trust.issuer}
        onChange={(event) => onChange({ ...trust, issuer: event.currentTarget.value.trim() })}
        inputMode="url"
        spellCheck={false}
      />
      <TextInput
        label="Client id"
        description="The audience: one of the token's aud."
        placeholder={window.location.origin}
        value={trust.clientId}
        onChange={(event) => onChange({ ...trust, clientId: event.currentTarget.value })}
        spellCheck={false}
        autoComplete="off"
      />
      <TextInput
        label="Subject expression"
        description={
          <>
            A regular expression (
            <Anchor href={SYNTAX} target="_blank" rel="noreferrer" inherit underline="always">
              RE2
            </Anchor>
            ) that has to match the whole sub of the token. Too wide a one lets other people&apos;s jobs in.
          </>
        }
        placeholder="repo:northwind/network:ref:refs/heads/main"
        value={trust.subjectExpression}
        onChange={(event) => onChange({ ...trust, subjectExpression: event.currentTarget.value })}
        spellCheck={false}
        autoComplete="off"
      />
      <ClaimsField claims={trust.claims} onChange={(claims) => onChange({ ...trust, claims })} why={noClaims} />
    </Stack>
  )
}

/** The claims of a token that name groups. */
export function ClaimsField(props: {
  claims: readonly string[]
  onChange: (claims: string[]) => void
  why: string | undefined
}) {
  return (
    <TagsInput
      label="Claims that name groups"
      description={
        props.why ??
        'Not needed. Whoever comes with a token is in the groups that these claims name, for as long as the session lasts. Groups that the account knows give their roles.'
      }
      placeholder={props.claims.length === 0 ? 'groups' : ''}
      value={[...props.claims]}
      onChange={props.onChange}
      disabled={props.why !== undefined}
      acceptValueOnBlur
    />
  )
}
