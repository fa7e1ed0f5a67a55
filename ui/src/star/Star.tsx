import { IconStar, IconStarFilled } from '@tabler/icons-react'
import { useState } from 'react'
import { useMutation } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { ActionIcon, warn } from '~/ui'

const StarMutation = graphql(`
  mutation Star($id: ID!, $star: Boolean!) {
    starSet(id: $id, star: $star) {
      id
      starred
    }
  }
`)

/** A person's own bookmark of a stack. It turns at once, and back again if the server refuses. */
export function Star(props: { stack: { id: string; name: string; starred: boolean }; small?: true }) {
  const { id, name, starred } = props.stack
  const [, set] = useMutation(StarMutation)
  const [wanted, setWanted] = useState<boolean>()
  const [busy, setBusy] = useState(false)
  // The list says how it is a moment after the answer; from then on it is right.
  if (wanted === starred && !busy) setWanted(undefined)
  const shown = wanted ?? starred
  const Icon = shown ? IconStarFilled : IconStar
  const turn = async () => {
    if (busy) return
    setWanted(!shown)
    setBusy(true)
    const { error } = await set({ id, star: !shown })
    setBusy(false)
    if (!error) return
    setWanted(undefined)
    warn('The star could not be set', problemOf(error))
  }
  return (
    <ActionIcon
      variant="subtle"
      color={shown ? 'yellow' : 'gray'}
      {...(props.small ? { size: 'sm' } : {})}
      aria-pressed={shown}
      aria-label={shown ? `Take the star off ${name}` : `Star ${name}`}
      onClick={() => void turn()}
    >
      <Icon size={props.small ? 15 : 18} />
    </ActionIcon>
  )
}
