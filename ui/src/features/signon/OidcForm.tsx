import { useState } from 'react'
import { useMutation } from 'urql'

import { PasswordInput, TextInput, tell } from '~/ui'

import { CreateOidc, UpdateOidc, type Settings } from './documents'
import { missing, Saving } from './Saving'

export function OidcForm({ kept, onDone }: { kept: Settings['oidcSettings']; onDone: () => void }) {
  const [created, create] = useMutation(CreateOidc)
  const [updated, update] = useMutation(UpdateOidc)
  const [providerUrl, setProviderUrl] = useState(kept?.providerUrl ?? '')
  const [clientId, setClientId] = useState(kept?.clientId ?? '')
  const [clientSecret, setClientSecret] = useState('')
  const why = missing([
    ['provider URL', providerUrl],
    ['client id', clientId],
    ...(kept ? [] : [['client secret', clientSecret] as const]),
  ])

  function save() {
    const run = kept ? update : create
    void run({ input: { providerUrl, clientId, clientSecret } }).then(({ error }) => {
      if (error) return
      tell('Single sign-on is set', 'Sign in once in a private window to see that it works.')
      onDone()
    })
  }

  return (
    <Saving
      isNew={!kept}
      why={why}
      busy={created.fetching || updated.fetching}
      error={created.error ?? updated.error}
      onSave={save}
    >
      <TextInput
        label="Provider URL"
        description="The issuer: what stands before /.well-known/openid-configuration. With another one, everybody has to be invited again."
        placeholder="https://login.example.com"
        value={providerUrl}
        onChange={(event) => setProviderUrl(event.currentTarget.value)}
        inputMode="url"
        spellCheck={false}
      />
      <TextInput
        label="Client id"
        description="With another one, everybody has to be invited again."
        value={clientId}
        onChange={(event) => setClientId(event.currentTarget.value)}
        autoComplete="off"
        spellCheck={false}
      />
      <PasswordInput
        label="Client secret"
        {...(kept ? { description: 'Leave it empty to keep the one there is, unless the provider URL is another one.' } : {})}
        value={clientSecret}
        onChange={(event) => setClientSecret(event.currentTarget.value)}
        autoComplete="off"
      />
    </Saving>
  )
}
