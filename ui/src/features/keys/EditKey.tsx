import { useState } from 'react'
import { useMutation } from 'urql'

import { GroupNames } from '~/access/GroupNames'
import { Refused } from '~/graphql/Refused'
import { useStanding } from '~/graphql/standing'
import { Action, Button, Group, Modal, Stack, TextInput, tell } from '~/ui'

import { UpdateMutation, type Key } from './documents'
import { ONLY_ROOT } from './NewKey'
import { ClaimsField } from './TrustFields'
import { mappingOf } from './words'

interface Props {
  edited: Key
  onClose: () => void
  onDone: () => void
}

/** Calls a key something else, or puts it into other groups. */
export function EditKey({ edited, onClose, onDone }: Props) {
  const standing = useStanding()
  const [{ fetching, error }, update] = useMutation(UpdateMutation)
  const before = edited.oidcSettings?.claimMapping.entries.map((entry) => entry.name) ?? []
  const [name, setName] = useState(edited.name)
  const [description, setDescription] = useState(edited.description)
  const [teams, setTeams] = useState([...edited.teams])
  const [claims, setClaims] = useState(before)
  const notMighty = standing?.rootAdmin ? undefined : ONLY_ROOT
  const why = name.trim() === '' ? 'A key needs a name.' : undefined
  const save = async () => {
    // What is not named stays: only administrators of the root space may say anything of groups.
    const input = {
      name,
      description,
      teams: same(teams, edited.teams) ? null : teams,
      oidcClaimMappings: same(claims, before) ? null : mappingOf(claims),
    }
    const { data } = await update({ id: edited.id, input })
    if (!data) return
    tell(`API key ${data.apiKeyUpdate.name} is changed`, 'It counts from the next request on.')
    onDone()
    onClose()
  }
  return (
    <Modal opened onClose={onClose} title={`Edit API key ${edited.name}`} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why) void save()
        }}
      >
        <Stack>
          <TextInput
            label="Name"
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
          <GroupNames
            label="Groups"
            description="It has the roles that these groups have, as people in them do."
            value={teams}
            onChange={setTeams}
            why={notMighty}
          />
          {edited.type === 'OIDC' && <ClaimsField claims={claims} onChange={setClaims} why={notMighty} />}
          {error && <Refused title="Nothing was changed" error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Action type="submit" loading={fetching} why={why}>
              Save
            </Action>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function same(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && others.every((one) => some.includes(one))
}
