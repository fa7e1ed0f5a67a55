import { useState } from 'react'
import { useMutation } from 'urql'

import { problemOf } from '~/graphql/problem'
import { Action, Button, Confirm, Text, tell, warn } from '~/ui'

import { DismissAll, DismissGroup, DismissSome } from './documents'
import { groupWords } from './words'

/** Dismisses single ones at once: they are still found among the dismissed ones, for two weeks. */
export function DismissThese(props: { ids: readonly string[]; of?: string; after: () => void }) {
  const [{ fetching }, dismiss] = useMutation(DismissSome)
  return (
    <Button
      size="xs"
      variant="default"
      loading={fetching}
      aria-label={props.of === undefined ? undefined : `Dismiss ${props.of}`}
      onClick={() =>
        void dismiss({ ids: [...props.ids] }).then(({ error }) => {
          props.after()
          if (error) warn('Not dismissed', problemOf(error).sentence)
          else tell('Dismissed', 'It stays among the dismissed ones for two weeks.')
        })
      }
    >
      Dismiss
    </Button>
  )
}

/** Dismisses all of a group, or all there are, after asking. */
export function DismissMany(props: { group: string | undefined; open: number | undefined; after: () => void }) {
  const { group } = props
  const [asking, setAsking] = useState(false)
  const [one, dismissGroup] = useMutation(DismissGroup)
  const [all, dismissAll] = useMutation(DismissAll)
  const verb = group === undefined ? 'Dismiss all' : `Dismiss all of “${groupWords(group)}”`
  const send = () => {
    const sent = group === undefined ? dismissAll({}) : dismissGroup({ group })
    void sent.then(({ error }) => {
      setAsking(false)
      props.after()
      if (error) warn('Not dismissed', problemOf(error).sentence)
      else tell('All dismissed')
    })
  }
  return (
    <>
      <Action
        variant="default"
        why={props.open === 0 ? 'None is open.' : undefined}
        onClick={() => setAsking(true)}
      >
        {verb}
      </Action>
      <Confirm
        opened={asking}
        title={`${verb}?`}
        verb={verb}
        keep="Keep them open"
        busy={one.fetching || all.fetching}
        onConfirm={send}
        onClose={() => setAsking(false)}
      >
        <Text size="sm">
          {group === undefined
            ? 'Every open notification that you can see'
            : `Every open notification of “${groupWords(group)}” that you can see`}{' '}
          is dismissed for all administrators, on all pages of the list. The audit trail keeps that you did. What goes
          on being wrong comes again.
        </Text>
      </Confirm>
    </>
  )
}
