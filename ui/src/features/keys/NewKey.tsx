import { useState } from 'react'
import { Link } from 'react-router'
import { useMutation } from 'urql'

import { GroupNames } from '~/access/GroupNames'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { fileName, save } from '~/lib/save'
import { Action, Alert, Button, CopyText, Group, Modal, Radio, SegmentedControl, Select, Stack, Text, TextInput } from '~/ui'

import { CreateMutation, type Made } from './documents'
import { TrustFields } from './TrustFields'
import type { Makers } from './useMakers'
import { lackingOf, mappingOf, NOBODY } from './words'

const DAY = 24 * 60 * 60
const LIVES = [
  { value: '0', label: 'Never' },
  { value: String(7 * DAY), label: 'In 7 days' },
  { value: String(30 * DAY), label: 'In 30 days' },
  { value: String(90 * DAY), label: 'In 90 days' },
  { value: String(365 * DAY), label: 'In a year' },
]

const WITH = [
  { value: 'SECRET', label: 'With a secret' },
  { value: 'OIDC', label: 'With OpenID Connect' },
]

/** Why somebody may not make a key that gets more than what is given to it in single spaces. */
export const ONLY_ROOT = 'Only administrators of the root space choose this.'

/** Asks what a new key is for, and shows its secret this once. */
export function NewKey({ makers, onClose }: { makers: Makers; onClose: () => void }) {
  const [made, setMade] = useState<Made>()
  return (
    <Modal
      opened
      onClose={onClose}
      title={made ? `API key ${made.name} is made` : 'Create an API key'}
      size="lg"
      // What is shown once is not put away by a slip of the hand.
      closeOnClickOutside={!made}
      closeOnEscape={!made}
      withCloseButton={!made}
    >
      {made ? <Shown made={made} onClose={onClose} /> : <Asking makers={makers} onMade={setMade} onClose={onClose} />}
    </Modal>
  )
}

function Asking(props: { makers: Makers; onMade: (made: Made) => void; onClose: () => void }) {
  const [{ error, fetching }, create] = useMutation(CreateMutation)
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [type, setType] = useState('SECRET')
  const [trust, setTrust] = useState(NOBODY)
  const [rights, setRights] = useState('roles')
  const [teams, setTeams] = useState<string[]>([])
  const [life, setLife] = useState('0')
  const notMighty = props.makers.root ? undefined : ONLY_ROOT
  const federated = type === 'OIDC'
  const why = name.trim() === '' ? 'Give the key a name first.' : federated ? lackingOf(trust) : undefined

  function make() {
    const seconds = Number(life)
    const { claims, ...trusted } = trust
    const input = {
      name,
      description: description || null,
      admin: rights === 'admin',
      teams,
      expiresAt: seconds > 0 ? Math.floor(Date.now() / 1000) + seconds : null,
      oidc: federated ? { ...trusted, claimMappings: mappingOf(claims) } : null,
    }
    void create({ input }).then(({ data }) => {
      if (data) props.onMade(data.apiKeyCreate)
    })
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!why) make()
      }}
    >
      <Stack>
        <SegmentedControl aria-label="How the program signs in" data={WITH} value={type} onChange={setType} fullWidth />
        <TextInput
          label="Name"
          description="The program that will use it."
          placeholder="deploy pipeline"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={255}
          data-autofocus
        />
        <TextInput
          label="Description"
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
          maxLength={4096}
        />
        {federated && <TrustFields trust={trust} onChange={setTrust} noClaims={notMighty} />}
        <Radio.Group label="Rights" value={rights} onChange={setRights}>
          <Stack gap="xs" mt={4}>
            <Radio
              value="roles"
              label="What it is given"
              description="Nothing at first: give it roles once it is made, or put it into groups that have some."
            />
            <Radio
              value="admin"
              label="Everything"
              description={notMighty ?? 'May do all that an administrator may: apply, delete, make more keys.'}
              disabled={notMighty !== undefined}
            />
          </Stack>
        </Radio.Group>
        <GroupNames
          label="Groups"
          description="Not needed. It has the roles that these groups have, as people in them do."
          value={teams}
          onChange={setTeams}
          why={notMighty}
        />
        <Select
          label="Expires"
          data={LIVES}
          value={life}
          onChange={(value) => setLife(value ?? '0')}
          allowDeselect={false}
        />
        {error && <Refused title="The key was not made" error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onClose}>
            Cancel
          </Button>
          <Action type="submit" loading={fetching} why={why}>
            Create the key
          </Action>
        </Group>
      </Stack>
    </form>
  )
}

function Shown({ made, onClose }: { made: Made; onClose: () => void }) {
  const lines = `SPACELIFT_API_KEY_ENDPOINT=${window.location.origin}\nSPACELIFT_API_KEY_ID=${made.id}\nSPACELIFT_API_KEY_SECRET=${made.secret ?? ''}\n`
  const powerless = !made.admin && made.teams.length === 0
  return (
    <Stack>
      {made.secret !== null && (
        <Alert color="yellow" title="The secret is shown this once">
          <Text size="sm">Gantry keeps only a hash of it. Put it where the program finds it, now.</Text>
        </Alert>
      )}
      <CopyText label="Key id" value={made.id} />
      {made.secret === null ? (
        <Text size="sm">It has no secret: the program sends its own token in the place of one.</Text>
      ) : (
        <CopyText label="Secret" value={made.secret} />
      )}
      {powerless && <Text size="sm">The key may do nothing yet: its page is where roles are given.</Text>}
      <Group justify="space-between">
        {made.secret !== null && (
          <Button variant="default" onClick={() => save(`${fileName(made.name)}.env`, lines)}>
            Download as environment file
          </Button>
        )}
        <Group gap="xs" ml="auto">
          <Button variant="default" component={Link} to={to.apiKey(made.id)}>
            {made.secret === null ? 'Open its page' : 'Kept; open its page'}
          </Button>
          <Button onClick={onClose}>{made.secret === null ? 'Done' : 'I have kept it'}</Button>
        </Group>
      </Group>
    </Stack>
  )
}
