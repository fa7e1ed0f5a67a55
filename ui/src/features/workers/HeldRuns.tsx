import { wordOf } from '~/runs/RunState'
import { List, Text } from '~/ui'

import type { WorkerRow } from './WorkerTable'

/** The runs that the workers hold now, by name: what hangs on them. */
export function HeldRuns({ workers }: { workers: readonly WorkerRow[] }) {
  const held = workers.flatMap((worker) => worker.runs)
  if (held.length === 0) {
    return <Text size="sm">No worker holds a run now.</Text>
  }
  return (
    <div>
      <Text size="sm" fw={600}>
        Held now:
      </Text>
      <List size="sm">
        {held.map(({ run, stackName }) => (
          <List.Item key={run.id}>
            {stackName}: {run.title || run.id} ({wordOf(run.state)})
          </List.Item>
        ))}
      </List>
    </div>
  )
}
