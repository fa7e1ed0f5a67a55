import { useState } from 'react'
import { useClient, useQuery, type CombinedError } from 'urql'

import { graphql } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { Action, Button, Group, Modal, SegmentedControl, Select, Stack, Text, tell } from '~/ui'

import { ALL_KINDS, KINDS, type Kind } from './kinds'
import { SpaceSelect } from './SpaceSelect'

const RolesQuery = graphql(`
  query RolesToGive {
    roles {
      id
      name
      description
    }
  }
`)

const HANDLED = ALL_KINDS.filter((kind) => KINDS[kind].handled)

/** Whom a page is about. */
export interface Whom {
  kind: Kind
  id: string
  name: string
}

interface Props {
  /** What is known already. */
  space?: string
  role?: string
  whom?: Whom
  onClose: () => void
  onDone: () => void
}

/** Gives somebody or something a role in a space, and so in all spaces beneath it. */
export function GiveRole(props: Props) {
  const client = useClient()
  const [{ data }] = useQuery({ query: RolesQuery })
  const [kind, setKind] = useState<Kind>(props.whom?.kind ?? HANDLED[0] ?? 'API_KEY')
  const [subject, setSubject] = useState<string | null>(props.whom?.id ?? null)
  const [role, setRole] = useState<string | null>(props.role ?? null)
  const [space, setSpace] = useState<string | null>(props.space ?? null)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<CombinedError>()
  const { label, handled } = KINDS[kind]
  const chosen = data?.roles.find((one) => one.id === role)
  const why = whyNot({ label, subject, role, space })

  const give = async () => {
    if (!handled || subject === null || role === null || space === null) return
    setBusy(true)
    const refused = await handled.give(client, { subject, role, space })
    setBusy(false)
    setError(refused)
    if (refused) return
    tell(`${chosen?.name ?? 'The role'} is given`, 'It counts from the next request on.')
    props.onDone()
    props.onClose()
  }

  return (
    <Modal opened onClose={props.onClose} title={props.whom ? `Give ${props.whom.name} a role` : 'Give a role'}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why) void give()
        }}
      >
        <Stack>
          <div>
            {!props.whom && (
              <SegmentedControl
                aria-label="To whom"
                data={HANDLED.map((one) => ({ value: one, label: KINDS[one].label }))}
                value={kind}
                onChange={(value) => {
                  setKind(HANDLED.find((one) => one === value) ?? kind)
                  setSubject(null)
                }}
                fullWidth
              />
            )}
            <Text size="xs" c="dimmed" mt={4}>
              {handled?.words}
            </Text>
          </div>
          {handled && !props.whom && <handled.Choose value={subject} onChange={setSubject} />}
          <Select
            label="Role"
            description={chosen?.description}
            data={(data?.roles ?? []).map((one) => ({ value: one.id, label: one.name }))}
            value={role}
            onChange={setRole}
            searchable
            allowDeselect={false}
          />
          <SpaceSelect
            label="Space"
            description="The role counts there, and in every space beneath it."
            value={space}
            onChange={setSpace}
            fits={(one) => one.accessLevel === 'ADMIN'}
          />
          {error && <Refused title="The role was not given" error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              Back
            </Button>
            <Action type="submit" loading={busy} why={why}>
              Give the role
            </Action>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function whyNot(given: { label: string; subject: string | null; role: string | null; space: string | null }) {
  if (given.subject === null) return `Choose the ${given.label === 'API key' ? given.label : given.label.toLowerCase()} first.`
  if (given.role === null) return 'Choose the role first.'
  if (given.space === null) return 'Choose the space first.'
  return undefined
}
