import type { ReactNode } from 'react'

import { Card, Stack, Title } from '~/ui'

/** A page without the application's frame: what is seen before, or beside, the pages inside. */
export function Doorstep(props: { title: string; page?: string; children: ReactNode }) {
  return (
    <Stack mih="100vh" align="center" justify="center" p="md" component="main">
      <title>{`${props.page ?? props.title} · Gantry`}</title>
      <Card withBorder w="100%" maw={400} p="xl">
        <Stack>
          <Stack gap={4} align="center">
            <img src="/icon.svg" width={44} height={44} alt="" />
            <Title order={1} size="h2" ta="center">
              {props.title}
            </Title>
          </Stack>
          {props.children}
        </Stack>
      </Card>
    </Stack>
  )
}
