import { IconPencil, IconRefresh, IconRotate2, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { lacking, useRights } from '~/graphql/rights'
import { to } from '~/lib/paths'
import { Action, Button, Confirm, Group, Modal, Stack, Text, Trouble, tell, warn } from '~/ui'

import { PoolFields } from './PoolFields'
import { ResetPool } from './ResetPool'
import { HeldRuns } from './HeldRuns'
import type { WorkerRow } from './WorkerTable'

const CycleMutation = graphql(`
  mutation CyclePool($id: ID!) {
    workerPoolCycle(id: $id)
  }
`)

const DeleteMutation = graphql(`
  mutation DeletePool($id: ID!) {
    workerPoolDelete(id: $id) {
      id
    }
  }
`)

const UpdateMutation = graphql(`
  mutation UpdatePool($id: ID!, $name: String!, $description: String, $labels: [String!], $limit: Int) {
    workerPoolUpdate(
      id: $id
      name: $name
      description: $description
      labels: $labels
      driftDetectionRunLimit: $limit
    ) {
      id
      name
    }
  }
`)

export interface Pool {
  id: string
  name: string
  description: string | null
  labels: string[]
  driftDetectionRunLimit: number | null
  spaceDetails: { id: string }
}

interface Props {
  pool: Pool
  workers: readonly WorkerRow[]
  onChange: () => void
}

/** What can be done with a pool, each with what it costs. */
export function PoolActions(props: Props) {
  const { pool, workers } = props
  const rights = useRights()
  const [open, setOpen] = useState<'edit' | 'cycle' | 'reset' | 'delete'>()
  const space = pool.spaceDetails.id
  const close = () => setOpen(undefined)
  return (
    <Group gap="xs">
      <Action
        variant="default"
        leftSection={<IconPencil size={16} aria-hidden />}
        why={lacking(rights, 'WORKER_POOL_UPDATE', space)}
        onClick={() => setOpen('edit')}
      >
        Edit
      </Action>
      <Action
        variant="default"
        leftSection={<IconRefresh size={16} aria-hidden />}
        why={
          lacking(rights, 'WORKER_POOL_CYCLE', space) ??
          (workers.length === 0 ? 'No worker is there that could be cycled.' : undefined)
        }
        hint="Workers finish what they hold and leave; whatever starts them starts new ones."
        onClick={() => setOpen('cycle')}
      >
        Cycle
      </Action>
      <Action
        variant="default"
        leftSection={<IconRotate2 size={16} aria-hidden />}
        why={lacking(rights, 'WORKER_POOL_RESET', space)}
        hint="A new key; the old one is locked out."
        onClick={() => setOpen('reset')}
      >
        Reset
      </Action>
      <Action
        variant="light"
        color="red"
        leftSection={<IconTrash size={16} aria-hidden />}
        why={lacking(rights, 'WORKER_POOL_DELETE', space)}
        onClick={() => setOpen('delete')}
      >
        Delete
      </Action>
      {open === 'edit' && <Edit {...props} onClose={close} />}
      {open === 'cycle' && <Cycle {...props} onClose={close} />}
      {open === 'reset' && <ResetPool {...props} onClose={close} />}
      {open === 'delete' && <Delete {...props} onClose={close} />}
    </Group>
  )
}

function Edit({ pool, onChange, onClose }: Props & { onClose: () => void }) {
  const [{ error, fetching }, update] = useMutation(UpdateMutation)
  const [settings, setSettings] = useState({
    name: pool.name,
    description: pool.description ?? '',
    labels: pool.labels,
    limit: pool.driftDetectionRunLimit,
  })
  const why = settings.name.trim() === '' ? 'A pool has a name.' : undefined

  async function keep() {
    const { data } = await update({
      id: pool.id,
      ...settings,
      description: settings.description || null,
    })
    if (!data) return
    tell(`Pool ${data.workerPoolUpdate.name} is changed`)
    onChange()
    onClose()
  }

  return (
    <Modal opened onClose={onClose} title={`Edit pool ${pool.name}`} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why) void keep()
        }}
      >
        <Stack>
          <PoolFields settings={settings} onChange={setSettings} />
          {error && <Trouble title="The pool was not changed" {...problemOf(error)} />}
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

function Cycle({ pool, workers, onClose }: Props & { onClose: () => void }) {
  const [{ fetching }, cycle] = useMutation(CycleMutation)
  return (
    <Confirm
      opened
      title={`Cycle the workers of ${pool.name}?`}
      verb={workers.length === 1 ? 'Cycle the worker' : `Cycle ${workers.length} workers`}
      busy={fetching}
      onClose={onClose}
      onConfirm={() =>
        void cycle({ id: pool.id }).then(({ error }) => {
          if (error) warn('The workers were not cycled', problemOf(error))
          else tell('The workers were told to leave', 'Each does so when it has finished what it holds.')
          onClose()
        })
      }
    >
      <Text size="sm">
        Each worker finishes what it holds and ends. No run is lost. New ones come only if something
        starts them again: systemd, an autoscaling group, Kubernetes. Until then runs wait.
      </Text>
    </Confirm>
  )
}

function Delete({ pool, workers, onClose }: Props & { onClose: () => void }) {
  const go = useNavigate()
  const [{ fetching }, remove] = useMutation(DeleteMutation)
  return (
    <Confirm
      opened
      title={`Delete pool ${pool.name}?`}
      verb="Delete the pool"
      dangerous
      typed={pool.name}
      busy={fetching}
      onClose={onClose}
      onConfirm={() =>
        void remove({ id: pool.id }).then(({ error }) => {
          if (error) {
            warn('The pool was not deleted', problemOf(error))
            onClose()
          } else {
            tell(`Pool ${pool.name} is deleted`)
            void go(to.workers())
          }
        })
      }
    >
      <Stack gap="xs">
        <Text size="sm">
          Its token and key are worth nothing any more, and{' '}
          {workers.length === 1 ? 'its one worker is' : `its ${workers.length} workers are`} sent away. This
          cannot be undone. A pool that stacks use, or whose runs have not ended, is not deleted.
        </Text>
        <HeldRuns workers={workers} />
      </Stack>
    </Confirm>
  )
}
