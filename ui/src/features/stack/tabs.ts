/** The pages of a stack, in the order in which they stand: what follows it in the address, and their names. */
export const TABS = [
  { path: '', label: 'Runs' },
  { path: 'tasks', label: 'Tasks' },
  { path: 'environment', label: 'Environment' },
  { path: 'state', label: 'State' },
  { path: 'outputs', label: 'Outputs' },
  { path: 'webhooks', label: 'Webhooks' },
  { path: 'settings', label: 'Settings' },
  { path: 'danger', label: 'Danger zone' },
] as const
