import { to } from '~/lib/paths'

import type { Told } from './documents'

const GROUPS: Readonly<Record<string, string>> = {
  AUDIT_TRAIL_NOT_DELIVERED: 'Audit trail',
  IDENTITY_PROVIDER_UNUSABLE: 'Identity provider',
  POOL_WITHOUT_WORKERS: 'Workers',
  REKEY_UNFINISHED: 'Re-key',
  SOURCE_UNREACHABLE: 'Repository',
  STATE_KEPT_APART: 'State kept apart',
  WEBHOOK_SWITCHED_OFF: 'Webhook off',
}

/** What notifications of a group are about; of a group that a newer server has, its own word. */
export function groupWords(group: string | null): string {
  return group === null ? 'Other' : (GROUPS[group] ?? group.toLowerCase().replaceAll('_', ' '))
}

/** Where something can be done about it, if there is such a page. */
export function pageOf({ group, about, stack }: Pick<Told, 'group' | 'about' | 'stack'>): string | undefined {
  if (group === 'AUDIT_TRAIL_NOT_DELIVERED') return to.auditWebhook()
  if (group === 'IDENTITY_PROVIDER_UNUSABLE') return to.accountTab('sign-on')
  if (group === 'POOL_WITHOUT_WORKERS' && about !== null) return to.pool(about)
  if (group === 'STATE_KEPT_APART' && stack !== null) return to.stackTab(stack, 'state')
  if (group === 'WEBHOOK_SWITCHED_OFF' && stack === null && about !== null) return to.webhook(about)
  if (group === 'WEBHOOK_SWITCHED_OFF' && stack !== null) return to.stackTab(stack, 'webhooks')
  return stack === null ? undefined : to.stack(stack)
}

/** What is said of one that is not open: who dismissed it, or that nobody had to. */
export function ended({ dismissed, dismissedBy }: Pick<Told, 'dismissed' | 'dismissedBy'>): string | undefined {
  if (!dismissed) return undefined
  return dismissedBy === null ? 'closed by itself' : `dismissed by ${dismissedBy}`
}
