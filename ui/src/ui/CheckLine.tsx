import { Group, Loader, Text } from '@mantine/core'
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleX,
  IconHelpCircle,
} from '@tabler/icons-react'

import { ErrorCode, type Fault } from './ErrorCode'

export type Standing = 'WAITING' | 'OK' | 'WARNING' | 'PROBLEM' | 'UNKNOWN'

const LOOKS = {
  OK: { icon: IconCircleCheck, color: 'var(--mantine-color-green-filled)', word: 'Fine' },
  WARNING: { icon: IconAlertTriangle, color: 'var(--mantine-color-orange-filled)', word: 'Look at this' },
  PROBLEM: { icon: IconCircleX, color: 'var(--mantine-color-error)', word: 'Problem' },
  UNKNOWN: { icon: IconHelpCircle, color: 'var(--mantine-color-dimmed)', word: 'Not known' },
} as const

/** How what was typed stands: waiting, fine, or what is wrong, as a sentence. Said aloud, too. */
export function CheckLine(props: Fault & { standing: Standing }) {
  const look = props.standing === 'WAITING' ? undefined : LOOKS[props.standing]
  return (
    <Group gap={6} wrap="nowrap" align="flex-start" role="status" mt={4}>
      {look ? (
        <look.icon
          size={16}
          role="img"
          aria-label={look.word}
          style={{ flex: 'none', marginTop: 1, color: look.color }}
        />
      ) : (
        <Loader size={14} mt={2} role="img" aria-label="Waiting" />
      )}
      <Text
        size="xs"
        style={{ overflowWrap: 'anywhere' }}
        {...(props.standing === 'PROBLEM' ? { c: 'var(--mantine-color-error)' } : { c: 'dimmed' })}
      >
        {props.sentence} {props.code && <ErrorCode code={props.code} />}
      </Text>
    </Group>
  )
}
