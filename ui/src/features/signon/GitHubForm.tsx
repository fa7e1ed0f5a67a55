import { useState } from 'react'
import { useMutation } from 'urql'

import { PasswordInput, TextInput, tell } from '~/ui'

import { SetGitHub, type Settings } from './documents'
import { missing, Saving } from './Saving'

const GITHUB = 'https://github.com'

export function GitHubForm(props: { kept: Settings['githubSignOnSettings']; onDone: () => void }) {
  const { kept, onDone } = props
  const [{ fetching, error: refused }, set] = useMutation(SetGitHub)
  const [organization, setOrganization] = useState(kept?.organization ?? '')
  const [clientId, setClientId] = useState(kept?.clientId ?? '')
  const [clientSecret, setClientSecret] = useState('')
  const [address, setAddress] = useState(kept?.address ?? GITHUB)
  const why = missing([
    ['organization', organization],
    ['client id', clientId],
    ...(kept ? [] : [['client secret', clientSecret] as const]),
  ])

  function save() {
    const input = { organization, clientId, clientSecret, address: address || GITHUB }
    void set({ input }).then(({ error }) => {
      if (error) return
      tell('Single sign-on is set', 'Sign in once in a private window to see that it works.')
      onDone()
    })
  }

  return (
    <Saving isNew={!kept} why={why} busy={fetching} error={refused} onSave={save}>
      <TextInput
        label="Organization"
        description="Its members are let through, with the names of its teams as groups. With another one, everybody has to be invited again."
        placeholder="acme"
        value={organization}
        onChange={(event) => setOrganization(event.currentTarget.value)}
        spellCheck={false}
      />
      <TextInput
        label="Client id"
        value={clientId}
        onChange={(event) => setClientId(event.currentTarget.value)}
        autoComplete="off"
        spellCheck={false}
      />
      <PasswordInput
        label="Client secret"
        {...(kept ? { description: 'Leave it empty to keep the one there is, unless the address is another one.' } : {})}
        value={clientSecret}
        onChange={(event) => setClientSecret(event.currentTarget.value)}
        autoComplete="off"
      />
      <TextInput
        label="Address"
        description="Another one for a GitHub Enterprise Server."
        value={address}
        onChange={(event) => setAddress(event.currentTarget.value)}
        inputMode="url"
        spellCheck={false}
      />
    </Saving>
  )
}
