import type { ComponentType } from 'react'
import { createBrowserRouter, redirect } from 'react-router'

import { TABS } from '~/features/stack/tabs'
import { Shell } from '~/layout/Shell'
import { Broken, NotHere } from '~/layout/Broken'
import { OPEN } from '~/layout/OpenFrame'
import { to } from '~/lib/paths'
import { CenteredLoader } from '~/ui'

/** The pages of a stack: features of their own stand among them, and meet only here. */
const OF_A_STACK: Record<(typeof TABS)[number]['path'], () => Promise<{ default: ComponentType }>> = {
  '': () => import('~/features/stack/StackRuns'),
  tasks: () => import('~/features/stack/StackTasks'),
  environment: () => import('~/features/stack/environment/Environment'),
  state: () => import('~/features/state/StateHistory'),
  outputs: () => import('~/features/stack/StackOutputs'),
  webhooks: () => import('~/features/webhooks/StackWebhooks'),
  settings: () => import('~/features/stack/settings/StackSettings'),
  danger: () => import('~/features/stack/StackDanger'),
}

/** Every page by its address; each is loaded when it is first opened. */
export const router = createBrowserRouter([
  {
    path: '/sign-in',
    lazy: async () => ({ Component: (await import('~/features/session/SignIn')).default }),
    ErrorBoundary: Broken,
    HydrateFallback: CenteredLoader,
  },
  {
    path: '/apikeytoken',
    lazy: async () => ({ Component: (await import('~/features/session/ApiKeyToken')).default }),
    ErrorBoundary: Broken,
    HydrateFallback: CenteredLoader,
  },
  {
    path: '/cli_login',
    lazy: async () => ({ Component: (await import('~/features/session/CliLogin')).default }),
    ErrorBoundary: Broken,
    HydrateFallback: CenteredLoader,
  },
  {
    path: '/auth_success',
    lazy: async () => ({ Component: (await import('~/features/session/CliSuccess')).default }),
    ErrorBoundary: Broken,
    HydrateFallback: CenteredLoader,
  },
  {
    path: '/auth_failure',
    lazy: async () => ({ Component: (await import('~/features/session/CliFailure')).default }),
    ErrorBoundary: Broken,
    HydrateFallback: CenteredLoader,
  },
  {
    path: '/setup',
    lazy: async () => ({ Component: (await import('~/features/installation/Setup')).default }),
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
        path: 'stack/:stackId',
        lazy: async () => ({ Component: (await import('~/features/stack/StackPage')).default }),
        children: TABS.map(({ path }) => ({
          path,
          lazy: async () => ({ Component: (await OF_A_STACK[path]()).default }),
        })),
      },
      {
        path: 'new/stack',
        lazy: async () => ({ Component: (await import('~/features/newstack/NewStack')).default }),
      },
      {
        path: 'stack/:stackId/run/:runId/:tab?',
        lazy: async () => ({ Component: (await import('~/features/runs/RunPage')).default }),
      },
      {
        path: 'launchpad',
        lazy: async () => ({ Component: (await import('~/features/launchpad/LaunchpadPage')).default }),
      },
      {
        path: 'workers',
        lazy: async () => ({ Component: (await import('~/features/workers/WorkersPage')).default }),
      },
      {
        path: 'workers/new',
        lazy: async () => ({ Component: (await import('~/features/workers/NewPoolPage')).default }),
      },
      {
        path: 'workers/:poolId',
        lazy: async () => ({ Component: (await import('~/features/workers/PoolPage')).default }),
      },
      {
        path: 'integrations/webhooks',
        lazy: async () => ({ Component: (await import('~/features/webhooks/WebhooksPage')).default }),
      },
      {
        path: 'integrations/webhooks/new',
        lazy: async () => ({ Component: (await import('~/features/webhooks/NewWebhookPage')).default }),
      },
      {
        path: 'integrations/webhooks/audit',
        lazy: async () => ({ Component: (await import('~/features/webhooks/AuditWebhookPage')).default }),
      },
      {
        path: 'integrations/webhooks/:webhookId',
        lazy: async () => ({ Component: (await import('~/features/webhooks/WebhookPage')).default }),
      },
      {
        path: 'spaces/:spaceId?',
        lazy: async () => ({ Component: (await import('~/features/spaces/SpacesPage')).default }),
      },
      {
        path: 'contexts',
        lazy: async () => ({ Component: (await import('~/features/contexts/ContextsPage')).default }),
      },
      {
        path: 'new/context',
        lazy: async () => ({ Component: (await import('~/features/contexts/NewContext')).default }),
      },
      {
        path: 'context/:contextId',
        lazy: async () => ({ Component: (await import('~/features/contexts/ContextPage')).default }),
      },
      {
        path: 'access',
        lazy: async () => ({ Component: (await import('~/features/access/AccessPage')).default }),
        children: [
          { index: true, loader: () => redirect(to.roles()) },
          {
            path: 'roles',
            lazy: async () => ({ Component: (await import('~/features/access/RolesPage')).default }),
          },
          {
            path: 'users',
            lazy: async () => ({ Component: (await import('~/features/people/UsersPage')).default }),
          },
          {
            path: 'groups',
            lazy: async () => ({ Component: (await import('~/features/people/GroupsPage')).default }),
          },
          {
            path: 'api-keys',
            lazy: async () => ({ Component: (await import('~/features/keys/KeysPage')).default }),
          },
        ],
      },
      {
        path: 'access/users/:userId',
        lazy: async () => ({ Component: (await import('~/features/people/UserPage')).default }),
      },
      {
        path: 'access/groups/:groupId',
        lazy: async () => ({ Component: (await import('~/features/people/GroupPage')).default }),
      },
      {
        path: 'access/api-keys/:keyId',
        lazy: async () => ({ Component: (await import('~/features/keys/KeyPage')).default }),
      },
      {
        path: 'new/role',
        lazy: async () => ({ Component: (await import('~/features/access/NewRole')).default }),
      },
      {
        path: 'access/roles/:roleId',
        lazy: async () => ({ Component: (await import('~/features/access/RolePage')).default }),
      },
      {
        path: 'access/roles/:roleId/edit',
        lazy: async () => ({ Component: (await import('~/features/access/EditRole')).default }),
      },
      {
        path: 'audit',
        lazy: async () => ({ Component: (await import('~/features/audit/AuditPage')).default }),
      },
      {
        path: 'audit/:entryId',
        lazy: async () => ({ Component: (await import('~/features/audit/EntryPage')).default }),
      },
      {
        path: 'notifications',
        lazy: async () => ({ Component: (await import('~/features/notifications/NotificationsPage')).default }),
      },
      // Where keys were before roles had pages; links to it are kept.
      { path: 'account/api-keys', loader: () => redirect(to.apiKeys()) },
      {
        path: 'account',
        lazy: async () => ({ Component: (await import('~/features/account/AccountPage')).default }),
        children: [
          {
            index: true,
            lazy: async () => ({ Component: (await import('~/features/account/Profile')).default }),
          },
          {
            path: 'rights',
            lazy: async () => ({ Component: (await import('~/features/account/MyRights')).default }),
          },
          {
            path: 'sessions',
            lazy: async () => ({ Component: (await import('~/features/account/Sessions')).default }),
          },
          {
            path: 'sign-on',
            lazy: async () => ({ Component: (await import('~/features/signon/SignOn')).default }),
          },
          {
            path: 'health',
            lazy: async () => ({ Component: (await import('~/features/installation/Health')).default }),
          },
        ],
      },
      {
        path: 'help/errors',
        handle: OPEN,
        lazy: async () => ({ Component: (await import('~/features/help/ErrorsPage')).default }),
      },
      {
        path: 'help/errors/:code',
        handle: OPEN,
        lazy: async () => ({ Component: (await import('~/features/help/ErrorPage')).default }),
      },
      { path: '*', Component: NotHere },
    ],
  },
])
