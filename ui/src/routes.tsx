import { createBrowserRouter } from 'react-router'

import { Shell } from '~/layout/Shell'
import { Broken, NotHere } from '~/layout/Broken'
import { CenteredLoader } from '~/ui'

/** Every page by its address; each is loaded when it is first opened. */
export const router = createBrowserRouter([
  {
    path: '/sign-in',
    lazy: async () => ({ Component: (await import('~/features/session/SignIn')).default }),
    ErrorBoundary: Broken,
    HydrateFallback: CenteredLoader,
  },
  {
    path: '/',
    Component: Shell,
    ErrorBoundary: Broken,
    HydrateFallback: CenteredLoader,
    children: [
      {
        index: true,
        lazy: async () => ({ Component: (await import('~/features/dashboard/Dashboard')).default }),
      },
      {
        path: 'stacks',
        lazy: async () => ({ Component: (await import('~/features/stacks/StacksPage')).default }),
      },
      {
        path: 'stack/:stackId/state',
        lazy: async () => ({ Component: (await import('~/features/state/StatePage')).default }),
      },
      {
        path: 'new/stack',
        lazy: async () => ({ Component: (await import('~/features/newstack/NewStack')).default }),
      },
      {
        path: 'stack/:stackId/run/:runId',
        lazy: async () => ({ Component: (await import('~/features/runs/RunPage')).default }),
      },
      { path: '*', Component: NotHere },
    ],
  },
])
