import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { useState } from 'react'
import { useSearchParams } from 'react-router'

import { graphql, readFragment, type FragmentOf } from '~/graphql/gql'
import { colorOf, wordOf } from '~/runs/RunState'
import { Box, Empty, Group, Loader, Stack, Text, Took, UnstyledButton } from '~/ui'

import { LogView } from './logs/LogView'

export const RunPhasesFields = graphql(`
  fragment RunPhasesFields on Run {
    id
    finished
    history {
      state
      stateVersion
      timestamp
      hasLogs
      workerId
    }
  }
`)

/** One log for each phase, oldest first; the current one is open until somebody decides otherwise. */
export function RunPhases(props: { run: FragmentOf<typeof RunPhasesFields> }) {
  const { id, finished, history } = readFragment(RunPhasesFields, props.run)
  const [params] = useSearchParams()
  // A link to what was looked for opens the log that it was looked for in.
  const [sought] = useState(() => new Set(params.keys()))
  const [decided, setDecided] = useState<ReadonlyMap<number, boolean>>(new Map())
  const phases = history
    .map((step, n) => ({ ...step, until: history[n - 1]?.timestamp }))
    .filter((step) => step.hasLogs)
    .toReversed()
  const linked = Number(params.get('log') ?? NaN)
  const current = phases.some((phase) => phase.stateVersion === linked) ? linked : phases.at(-1)?.stateVersion

  if (phases.length === 0) {
    return finished ? (
      <Empty title="No log">The run ended before a worker began it.</Empty>
    ) : (
      <Empty title="No log yet">The log begins when a worker takes the run.</Empty>
    )
  }
  return (
    <Stack gap={6}>
      {phases.map((phase) => {
        const version = phase.stateVersion
        const open = decided.get(version) ?? (version === current || sought.has(`find.${version}`))
        const name = wordOf(phase.state)
        const Chevron = open ? IconChevronDown : IconChevronRight
        return (
          <Box key={version}>
            <UnstyledButton
              w="100%"
              py={4}
              aria-expanded={open}
              onClick={() => setDecided(new Map(decided).set(version, !open))}
            >
              <Group gap="xs" wrap="nowrap">
                <Chevron size={16} aria-hidden />
                <Text component="span" fw={600} size="sm">
                  {name.charAt(0).toUpperCase() + name.slice(1)}
                </Text>
                {phase.until === undefined && <Loader size={12} color={colorOf(phase.state)} aria-label="going on" />}
                <Text component="span" size="xs" c="dimmed">
                  <Took from={phase.timestamp} until={phase.until} />
                </Text>
              </Group>
            </UnstyledButton>
            {open && (
              <LogView
                key={`${id}/${version}`}
                run={id}
                version={version}
                name={name}
                main={version === current}
              />
            )}
          </Box>
        )
      })}
    </Stack>
  )
}
