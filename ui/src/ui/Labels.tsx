import { Badge, Group, Text } from '@mantine/core'

interface LabelsProps {
  labels: readonly string[]
  /** As many are shown; how many more there are is said. */
  most?: number
}

/** The labels of one thing, side by side; nothing where there are none. */
export function Labels({ labels, most = labels.length }: LabelsProps) {
  if (labels.length === 0) return null
  return (
    <Group gap={4}>
      {labels.slice(0, most).map((label) => (
        <Badge key={label} variant="default" size="sm" tt="none" fw={500}>
          {label}
        </Badge>
      ))}
      {labels.length > most && (
        <Text size="xs" c="dimmed" title={labels.slice(most).join(', ')}>
          +{labels.length - most}
        </Text>
      )}
    </Group>
  )
}
