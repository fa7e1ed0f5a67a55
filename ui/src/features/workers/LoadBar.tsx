import { Group, Progress, Text } from '~/ui'

import { loadWords, type PoolLoad } from './load'

/** How busy the workers are, as a bar and in words. */
export function Load({ load }: { load: PoolLoad }) {
  const words = loadWords(load)
  return (
    <Group gap="xs" wrap="nowrap">
      {load.all > 0 && (
        <Progress.Root w={72} size="sm" aria-hidden>
          <Progress.Section value={(load.busy / load.all) * 100} color="gantry" />
          <Progress.Section value={(load.away / load.all) * 100} color="yellow" />
        </Progress.Root>
      )}
      <Text size="sm" {...(load.all === 0 ? { c: 'dimmed' } : {})}>
        {words}
      </Text>
    </Group>
  )
}
