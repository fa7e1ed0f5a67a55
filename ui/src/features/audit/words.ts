/** Entries of the audit trail in words, in links, and as lines of a file. */

import { to } from '~/lib/paths'

import type { Entry, Resource } from './documents'

/** "API_KEY" as people say it. */
export function kindOf(resource: Pick<Resource, 'resourceType'>): string {
  if (resource.resourceType === 'UNKNOWN') return 'other'
  return resource.resourceType.toLowerCase().replaceAll('_', ' ').replace(/^api /, 'API ')
}

/** The page of what an entry is about, where there is one. */
export function pageOf(entry: Pick<Entry, 'action' | 'affectedResource' | 'relatedResource'>): string | undefined {
  const { resourceId: id, resourceType: type } = entry.affectedResource
  if (!id || entry.action.endsWith('.delete')) return undefined
  switch (type) {
    case 'STACK':
      return to.stack(id)
    case 'SPACE':
      return to.space(id)
    case 'CONTEXT':
      return to.context(id)
    case 'WORKER_POOL':
      return to.pool(id)
    case 'USER':
      return to.user(id)
    case 'USER_GROUP':
      return to.group(id)
    case 'API_KEY':
      return to.apiKey(id)
    case 'RUN':
    case 'TASK':
      return entry.relatedResource?.resourceType === 'STACK' && entry.relatedResource.resourceId
        ? to.run(entry.relatedResource.resourceId, id)
        : undefined
    default:
      return entry.action.startsWith('role.') ? to.role(id) : undefined
  }
}

/** What was asked, to be read: JSON over several lines; other texts as they are. */
export function readable(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}

/** One line of JSON for each entry, as other programs read them. */
export function asLines(entries: readonly Entry[]): string {
  return entries.map((entry) => `${JSON.stringify(lineOf(entry))}\n`).join('')
}

function lineOf({ body, createdAt, actor, affectedResource, relatedResource, ...entry }: Entry): object {
  return {
    id: entry.id,
    sequence: entry.sequence,
    timestamp: new Date(createdAt * 1000).toISOString(),
    action: entry.action,
    actor: actor.username,
    run: actor.run?.id ?? null,
    remoteIP: entry.remoteIP,
    resource: { type: affectedResource.resourceType, id: affectedResource.resourceId },
    related: relatedResource && { type: relatedResource.resourceType, id: relatedResource.resourceId },
    data: parsed(body),
  }
}

function parsed(body: string | null): unknown {
  if (body === null) return null
  try {
    return JSON.parse(body) as unknown
  } catch {
    return body
  }
}
