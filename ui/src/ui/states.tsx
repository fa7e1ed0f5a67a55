import { Alert, Center, Loader, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import { Said, type Fault } from './ErrorCode'

/** What went wrong, where it was to be seen. */
export function Trouble({ title, ...fault }: Fault & { title: string }) {
  return (
    <Alert color="red" title={title} icon={<IconAlertTriangle aria-hidden />} role="alert">
      <Said {...fault} />
    </Alert>
  )
}

/** Nothing is there yet: says so, and what the next step is. */
export function Empty({
  title,
  children,
  action,
  page = false,
}: {
  title: string
  children?: ReactNode
  action?: ReactNode
  /** There is nothing else on the page: this is its heading. */
  page?: boolean
}) {
  return (
    <Center py="xl">
      <Stack align="center" gap="xs" maw={460} ta="center">
        {page ? <Title order={1}>{title}</Title> : <Text fw={600}>{title}</Text>}
        {children && (
          <Text size="sm" c="dimmed">
            {children}
          </Text>
        )}
        {action}
      </Stack>
    </Center>
  )
}

/** The place of what is on its way, so that nothing jumps when it comes. */
export function Coming({ height = 240 }: { height?: number }) {
  return <Skeleton height={height} role="status" aria-label="Loading" />
}

export function CenteredLoader() {
  return (
    <Center mih="50vh">
      <Loader aria-label="Loading" />
    </Center>
  )
}
