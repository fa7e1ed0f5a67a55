/** What an API key may do, and whose tokens it takes, in words and as the API takes them. */

import { figure } from '~/lib/numbers'
import type { KeyRow } from './documents'

export const TYPES = { SECRET: 'secret', OIDC: 'OpenID Connect' } as const

/** What a key has, for a list: everything, roles of its own, those of groups, or nothing yet. */
export function rightsOf({ admin, spaceCount, teams }: Pick<KeyRow, 'admin' | 'spaceCount' | 'teams'>): string {
  if (admin) return 'everything'
  const own = spaceCount > 0 ? `in ${figure(spaceCount)} space${spaceCount === 1 ? '' : 's'}` : undefined
  const groups = teams.length > 0 ? 'through groups' : undefined
  return [own, groups].filter((one) => one !== undefined).join(', ') || 'nothing yet'
}

/** Whose tokens are taken for a key without a secret. */
export interface Trust {
  issuer: string
  clientId: string
  subjectExpression: string
  /** Claims that name groups. */
  claims: readonly string[]
}

export const NOBODY: Trust = { issuer: '', clientId: '', subjectExpression: '', claims: [] }

/** What is still to be said of whose tokens are taken. */
export function lackingOf({ issuer, clientId, subjectExpression }: Trust): string | undefined {
  if (!/^https?:\/\/./.test(issuer)) return 'Say who signs the tokens: an address that begins with https://.'
  if (clientId.trim() === '') return 'Say for which audience the tokens are.'
  if (subjectExpression.trim() === '') return 'Say which subjects are taken.'
  return undefined
}

/** Claims as the API takes them: what each says of whoever comes with a token is their groups. */
export function mappingOf(claims: readonly string[]) {
  return { entries: claims.map((name) => ({ name, value: 'groups' })) }
}
