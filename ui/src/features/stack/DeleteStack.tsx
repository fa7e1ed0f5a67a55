import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation, type CombinedError } from 'urql'

import { graphql } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { to } from '~/lib/paths'
import { Confirm, List, Radio, Stack, Text, tell } from '~/ui'

import type { StackHead } from './here'
import { counted, useLosses } from './losses'

const DeleteMutation = graphql(`
  mutation DeleteStack($id: ID!, $destroy: Boolean!) {
    stackDelete(id: $id, destroyResources: $destroy) {
      id
      deleting
    }
  }
`)

/** Asks for the name, says what will be lost, and what is to become of the resources. */
export function DeleteStack({ stack, onClose }: { stack: StackHead; onClose: () => void }) {
  const go = useNavigate()
  const losses = useLosses(stack.id, false)
  const [chosen, setFate] = useState<'destroy' | 'leave'>()
  const [{ fetching }, remove] = useMutation(DeleteMutation)
  const [error, setError] = useState<CombinedError>()
  // Of a state that is kept elsewhere nobody knows here what is in it.
  const nothing = losses?.managesStateFile === true && losses.stateSerial == null
  const fate = nothing ? 'leave' : chosen
  const resources = losses ? counted(losses.entityCount, 'resource') : 'its resources'
  const elements = losses?.config.length ?? 0
  return (
    <Confirm
      opened
      title={`Delete ${stack.name}?`}
      verb={fate === 'destroy' ? 'Destroy and delete' : 'Delete the stack'}
      why={fate ? undefined : 'Choose what is to become of the resources.'}
      dangerous
      typed={stack.name}
      busy={fetching}
      onClose={onClose}
      onConfirm={() =>
        void remove({ id: stack.id, destroy: fate === 'destroy' }).then((result) => {
          setError(result.error)
          if (!result.data) return
          onClose()
          if (result.data.stackDelete?.deleting) {
            tell('A run destroys the resources', 'The stack goes when that has ended well.')
            void go(to.stack(stack.id))
          } else {
            tell(`${stack.name} is deleted`)
            void go(to.stacks())
          }
        })
      }
    >
      <Stack gap="md">
        {nothing ? (
          <Text size="sm">It has made nothing yet: no resource is left behind.</Text>
        ) : (
          <Radio.Group
            label={`What is to become of ${resources}?`}
            value={fate ?? null}
            onChange={(next) => setFate(next === 'leave' ? 'leave' : 'destroy')}
          >
            <Stack gap="sm" mt="xs">
              <Radio
                value="destroy"
                label="Destroy resources first"
                description="A run destroys them at once, without another question. If it fails, the stack stays."
              />
              <Radio
                value="leave"
                label="Leave them as they are"
                description="They go on existing and costing, and nothing manages them any more."
              />
            </Stack>
          </Radio.Group>
        )}
        <div>
          <Text size="sm" fw={500}>
            This will be lost
          </Text>
          <List size="sm" mt={4} spacing={2}>
            {!nothing && (
              <List.Item>
                {fate === 'leave' ? `the management of ${resources}` : `${resources}, and whatever they hold`}
              </List.Item>
            )}
            {losses?.stateSerial != null && (
              <List.Item>access to its state, serial {losses.stateSerial}, and to its earlier versions</List.Item>
            )}
            {elements > 0 && (
              <List.Item>{counted(elements, 'variable or file', 'variables and files')}, for good</List.Item>
            )}
            <List.Item>its settings, outputs, and runs that wait</List.Item>
          </List>
        </div>
        {error && <Refused title="The stack is not deleted" error={error} />}
      </Stack>
    </Confirm>
  )
}
