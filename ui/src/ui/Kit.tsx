import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import type { ReactNode } from 'react'

import { variables } from './colors'
import { HelpProvider } from './ErrorCode'
import { theme } from './theme'
import { Clock } from './When'

import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import '@mantine/spotlight/styles.css'
import './kit.css'

/** What every page stands on: looks, the clock, and the place for notices. */
export function Kit(props: {
  children: ReactNode
  nonce: string
  /** Where an error's code is explained. */
  helpAt: (code: string) => string
}) {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      getStyleNonce={() => props.nonce}
      cssVariablesResolver={variables}
    >
      <HelpProvider value={props.helpAt}>
        <Notifications position="bottom-right" limit={4} />
        <Clock>{props.children}</Clock>
      </HelpProvider>
    </MantineProvider>
  )
}
