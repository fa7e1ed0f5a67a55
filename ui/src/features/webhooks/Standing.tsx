import { Alert, Badge, Text } from '~/ui'

interface Props {
  enabled: boolean
  disabledReason: string | null
}

/** Whether a webhook is told anything. */
export function OnOff({ enabled, disabledReason }: Props) {
  if (enabled) {
    return (
      <Badge variant="light" color="green">
        on
      </Badge>
    )
  }
  return (
    <Badge variant="light" color={disabledReason ? 'red' : 'gray'}>
      {disabledReason ? 'switched off' : 'off'}
    </Badge>
  )
}

/** Says why a webhook is off that nobody switched off. */
export function SwitchedOff({ enabled, disabledReason }: Props) {
  if (enabled || !disabledReason) return null
  return (
    <Alert color="red" title="Gantry switched this webhook off" role="alert">
      <Text size="sm">{disabledReason} Mend the cause, send a test, and switch it on again.</Text>
    </Alert>
  )
}
