import { useState } from 'react'
import { useMutation } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { Alert, Button, Confirm, List, Text, tell, warn } from '~/ui'

const UnlockStack = graphql(`
  mutation UnlockStack($id: ID!) {
    stackUnlock(id: $id) {
      id
      lockedBy
      lockNote
    }
  }
`)

interface RunUnknownProps {
  stack: { id: string; name: string; lockedBy: string | null }
  /** What is known of how it ended. */
  reason: string | null
}

/** Nobody can say how far a run came: what is known, what to do, and the word that it was done. */
export function RunUnknown({ stack, reason }: RunUnknownProps) {
  const [asking, setAsking] = useState(false)
  const [unlocking, unlock] = useMutation(UnlockStack)

  const acknowledge = async () => {
    const { error } = await unlock({ id: stack.id })
    if (error) warn('The stack stays locked', problemOf(error).sentence)
    else {
      setAsking(false)
      tell('The stack is unlocked', 'Its next run can start.')
    }
  }

  return (
    <Alert color="red" variant="filled" title="Nobody knows how far this run came" role="alert">
      <Text size="sm">{reason}</Text>
      {stack.lockedBy ? (
        <>
          <Text size="sm" mt="sm" fw={600}>
            The stack is locked so that nothing is made worse. What to do:
          </Text>
          <List type="ordered" size="sm" mt={4}>
            <List.Item>Read the log below: its last lines say what was being changed.</List.Item>
            <List.Item>Look at the infrastructure itself, and compare it with the newest state.</List.Item>
            <List.Item>
              Import what was made and is not in the state, or undo it. Then unlock the stack: the plan of
              the next run shows what is left to do.
            </List.Item>
          </List>
          <Button mt="sm" variant="white" color="red" onClick={() => setAsking(true)}>
            I have looked: unlock the stack
          </Button>
        </>
      ) : (
        <Text size="sm" mt="sm">
          Somebody has looked and unlocked the stack. The next run goes on from the newest state.
        </Text>
      )}
      <Confirm
        opened={asking}
        title={`Unlock ${stack.name}?`}
        verb="Unlock"
        busy={unlocking.fetching}
        onConfirm={() => void acknowledge()}
        onClose={() => setAsking(false)}
      >
        <Text size="sm">
          You say that you know what this run has changed. Runs of the stack can start again; what is not in
          its state may be made a second time.
        </Text>
      </Confirm>
    </Alert>
  )
}
