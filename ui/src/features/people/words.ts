/** Users and what may happen to them, in words. */

import { figure } from '~/lib/numbers'
import type { User, UserRow } from './documents'

type Standing = Pick<UserRow, 'status' | 'invitationExpiresAt' | 'loginMethod'>

export const STATUSES: Record<UserRow['status'], string> = {
  ACTIVE: 'active',
  PENDING: 'invited',
  QUEUED: 'invitation waits',
  EXPIRED: 'invitation expired',
  INACTIVE: 'inactive',
}

/** What stands behind a status, and what to do about it. */
export const MEANINGS: Record<UserRow['status'], string> = {
  ACTIVE: 'They have signed in, and come again until they are deleted.',
  PENDING: 'They may sign in until the invitation ends. They need to be told the address.',
  QUEUED: 'The invitation begins when people are let in by invitation.',
  EXPIRED: 'They did not come in time. Send the invitation again, and another day begins.',
  INACTIVE: 'The identity provider that they came with is no more. Invite them again, and they keep their roles.',
}

/** Colours of the kit by status. */
export const COLORS: Record<UserRow['status'], string> = {
  ACTIVE: 'green',
  PENDING: 'blue',
  QUEUED: 'gray',
  EXPIRED: 'orange',
  INACTIVE: 'gray',
}

/** The name that the audit trail has somebody by; nobody has one before they have come. */
export function loginOf({ loginMethod, username }: { loginMethod: string | null; username: string }): string | undefined {
  return loginMethod === null ? undefined : `${loginMethod}::${username}`
}

/** Why nobody needs to be invited again. */
export function notAgain({ status }: Standing): string | undefined {
  return status === 'ACTIVE' ? 'They have come already, and come again without an invitation.' : undefined
}

/** "2 sessions and 1 role". */
export function losses({ openSessions, roleBindings }: Pick<User, 'openSessions' | 'roleBindings'>): string {
  return `${counted(openSessions, 'session')} and ${counted(roleBindings.length, 'role')}`
}

export function counted(count: number, noun: string): string {
  return `${figure(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** What whoever is invited needs to know, to be sent to them. */
export function letter(address: string, { username, email }: { username: string; email: string | null }): string {
  const who = email ? `with the address ${email}` : `by the name ${username}`
  return `You are invited to Gantry at ${address}. Sign in there within a day, ${who}, with the account that you have at our identity provider.`
}
