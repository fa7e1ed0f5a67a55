import type { ComponentType } from 'react'

interface Tab {
  /** What follows the stack in the address; nothing for the first. */
  path: string
  label: string
  load: () => Promise<{ default: ComponentType }>
}

/** The pages of a stack, in the order in which they stand; each is loaded when it is opened. */
export const TABS: readonly Tab[] = [
  { path: '', label: 'Runs', load: () => import('./StackRuns') },
  { path: 'tasks', label: 'Tasks', load: () => import('./StackTasks') },
  { path: 'environment', label: 'Environment', load: () => import('./environment/Environment') },
  { path: 'state', label: 'State', load: () => import('~/features/state/StateHistory') },
  { path: 'outputs', label: 'Outputs', load: () => import('./StackOutputs') },
  { path: 'webhooks', label: 'Webhooks', load: () => import('~/features/webhooks/StackWebhooks') },
  { path: 'settings', label: 'Settings', load: () => import('./settings/StackSettings') },
  { path: 'danger', label: 'Danger zone', load: () => import('./StackDanger') },
]
