import { useState } from 'react'
import { useMutation } from 'urql'

import { Radio, Select, Stack, TextInput, Textarea, tell } from '~/ui'

import { CreateSaml, UpdateSaml, type Settings } from './documents'
import { linesOf, mappingsOf } from './kinds'
import { missing, Saving } from './Saving'

type Format = NonNullable<Settings['samlSettings']>['nameIdFormat']

const FORMATS: readonly { value: Format; label: string }[] = [
  { value: 'PERSISTENT', label: 'Persistent: an id that stays the same' },
  { value: 'EMAIL_ADDRESS', label: 'The e-mail address' },
  { value: 'TRANSIENT', label: 'Transient: another id each time' },
]

export function SamlForm({ kept, onDone }: { kept: Settings['samlSettings']; onDone: () => void }) {
  const [created, create] = useMutation(CreateSaml)
  const [updated, update] = useMutation(UpdateSaml)
  const [dynamic, setDynamic] = useState(kept?.dynamic ?? true)
  const [metadata, setMetadata] = useState(kept?.metadata ?? '')
  const [nameIdFormat, setFormat] = useState<Format>(kept?.nameIdFormat ?? 'PERSISTENT')
  const [mappings, setMappings] = useState(linesOf(kept?.attributeMappings ?? []))
  const why = missing([[dynamic ? 'address of the metadata' : 'metadata', metadata]])

  function save() {
    const run = kept ? update : create
    const input = { metadata, dynamic, nameIdFormat, attributeMappings: mappingsOf(mappings) }
    void run({ input }).then(({ error }) => {
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
      <Radio.Group
        label="The provider's metadata"
        value={dynamic ? 'address' : 'document'}
        onChange={(value) => {
          setDynamic(value === 'address')
          setMetadata(kept && kept.dynamic === (value === 'address') ? kept.metadata : '')
        }}
      >
        <Stack gap="xs" mt={4}>
          <Radio value="address" label="By address" description="New keys of the provider are found there." />
          <Radio value="document" label="As a document" description="For a provider that this server cannot reach." />
        </Stack>
      </Radio.Group>
      {dynamic ? (
        <TextInput
          label="Address of the metadata"
          placeholder="https://login.example.com/saml/metadata"
          value={metadata}
          onChange={(event) => setMetadata(event.currentTarget.value)}
          inputMode="url"
          spellCheck={false}
        />
      ) : (
        <Textarea
          label="Metadata"
          placeholder="<EntityDescriptor …"
          value={metadata}
          onChange={(event) => setMetadata(event.currentTarget.value)}
          autosize
          minRows={4}
          maxRows={12}
          spellCheck={false}
        />
      )}
      <Select
        label="How people are named"
        description="The name is the login here. With another way of naming, everybody has to be invited again."
        data={[...FORMATS]}
        value={nameIdFormat}
        onChange={(value) => setFormat((value ?? 'PERSISTENT') as Format)}
        allowDeselect={false}
      />
      <Textarea
        label="Attributes with other names"
        description="One a line: the provider's name, =, and one of FirstName, LastName, Teams, email. Nothing is needed for those that the provider calls so already."
        placeholder="Groups = Teams"
        value={mappings}
        onChange={(event) => setMappings(event.currentTarget.value)}
        autosize
        minRows={2}
        maxRows={8}
        spellCheck={false}
      />
    </Saving>
  )
}
