import { Stepper, Tooltip, type StepperStepProps } from '@mantine/core'

/**
 * A step of a `Stepper`. One that cannot be opened yet stays reachable by keyboard, and says why.
 * What the stepper does with its steps comes in as properties.
 */
export function WizardStep({ why, onClick, ...rest }: StepperStepProps & { why?: string | undefined }) {
  if (!why) return <Stepper.Step {...rest} onClick={onClick} />
  return (
    <Tooltip label={why} multiline maw={320} events={{ hover: true, focus: true, touch: true }}>
      <Stepper.Step {...rest} allowStepClick aria-disabled aria-description={why} style={{ cursor: 'not-allowed' }} />
    </Tooltip>
  )
}
