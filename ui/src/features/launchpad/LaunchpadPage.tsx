import { Stack, Text, Title } from '~/ui'

import { Launchpad } from './Launchpad'

/** The launchpad as a page of its own, also when everything is done. */
export default function LaunchpadPage() {
  return (
    <Stack maw={820}>
      <div>
        <Title order={1}>Launchpad</Title>
        <Text c="dimmed">
          What a new installation needs. Each line ticks itself off when it is so.
        </Text>
      </div>
      <Launchpad always />
    </Stack>
  )
}
