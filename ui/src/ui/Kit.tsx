import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import type { ReactNode } from 'react'

import { variables } from './colors'
import { theme } from './theme'
import { Clock } from './When'

import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import '@mantine/spotlight/styles.css'
import './kit.css'

/** What every page stands on: looks, the clock, and the place for notices. */
export function Kit({ children, nonce }: { children: ReactNode; nonce: string }) {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
      cssVariablesResolver={variables}
    >
      <Notifications position="bottom-right" limit={4} />
      <Clock>{children}</Clock>
    </MantineProvider>
  )
}
