/** Every link inside the application. Nothing else puts an address together. */

const part = encodeURIComponent

export const to = {
  home: () => '/',
  signIn: () => '/sign-in',
  setup: () => '/setup',
  stacks: () => '/stacks',
  newStack: () => '/new/stack',
  stack: (stack: string) => `/stack/${part(stack)}`,
  stackTab: (stack: string, tab: string) => `/stack/${part(stack)}/${tab}`,
  run: (stack: string, run: string) => `/stack/${part(stack)}/run/${part(run)}`,
  runChanges: (stack: string, run: string) => `${to.run(stack, run)}/changes`,
  runTab: (stack: string, run: string, tab: string) => `${to.run(stack, run)}/${tab}`,
  logLine: (stack: string, run: string, version: number, from: number, until = from) =>
    `${to.run(stack, run)}?log=${version}#${lineAnchor(from, until)}`,
  launchpad: () => '/launchpad',
  workers: () => '/workers',
  newPool: () => '/workers/new',
  publicPool: () => '/workers/public',
  pool: (pool: string) => `/workers/${part(pool)}`,
  webhooks: () => '/integrations/webhooks',
  newWebhook: () => '/integrations/webhooks/new',
  auditWebhook: () => '/integrations/webhooks/audit',
  webhook: (webhook: string) => `/integrations/webhooks/${part(webhook)}`,
  spaces: () => '/spaces',
  space: (space: string) => `/spaces/${part(space)}`,
  contexts: () => '/contexts',
  newContext: () => '/new/context',
  context: (context: string) => `/context/${part(context)}`,
  access: () => '/access',
  roles: () => '/access/roles',
  newRole: () => '/new/role',
  role: (role: string) => `/access/roles/${part(role)}`,
  editRole: (role: string) => `/access/roles/${part(role)}/edit`,
  users: () => '/access/users',
  user: (user: string) => `/access/users/${part(user)}`,
  groups: () => '/access/groups',
  group: (group: string) => `/access/groups/${part(group)}`,
  apiKeys: () => '/access/api-keys',
  apiKey: (key: string) => `/access/api-keys/${part(key)}`,
  audit: () => '/audit',
  /** What somebody did, by their login. */
  auditBy: (login: string) => `/audit?f.actor=${part(login)}`,
  /** What was done to something, by its id. */
  auditOf: (id: string) => `/audit?f.affectedResourceId=${part(id)}`,
  auditEntry: (entry: string) => `/audit/${part(entry)}`,
  notifications: () => '/notifications',
  notificationsOf: (stack: string) => `/notifications?f.stack=${part(stack)}`,
  account: () => '/account',
  accountTab: (tab: string) => `/account/${tab}`,
  errors: () => '/help/errors',
  /** What an error's code means, and what to do. */
  error: (code: string) => `/help/errors/${part(code)}`,
}

/** `L7` or `L7-L12`: what stands behind the # for a line or a range of a log, counted from 1. */
export function lineAnchor(from: number, until: number = from): string {
  const [first, last] = from <= until ? [from, until] : [until, from]
  return first === last ? `L${first}` : `L${first}-L${last}`
}

/** The lines that an anchor names, or nothing if it names none. */
export function linesOf(anchor: string): { from: number; until: number } | undefined {
  const found = /^#?L(\d{1,9})(?:-L(\d{1,9}))?$/.exec(anchor)
  if (!found) return undefined
  const from = Number(found[1])
  const until = Number(found[2] ?? found[1])
  return from < 1 || until < from ? undefined : { from, until }
}
