/** What is said of states, in one place. */

import { figure } from '~/lib/numbers'
import type { Comparison, History, StackOfState, Version } from './documents'

const KINDS: Record<string, string> = {
  TRACKED: 'run',
  DESTROY: 'destroy run',
  PROPOSED: 'preview',
  TASK: 'task',
  TESTING: 'test',
}

/** What a run is called in a sentence: "task". */
export function kindOf(run: { type: string }): string {
  return KINDS[run.type] ?? 'run'
}

/** How a state came to be, without the run's link: "rolled back to serial 3". */
export function wayOf(version: Pick<Version, 'imported' | 'rollback' | 'rolledBackToSerial'>): string {
  if (version.rollback) {
    return version.rolledBackToSerial == null
      ? 'rolled back'
      : `rolled back to serial ${version.rolledBackToSerial}`
  }
  return version.imported ? 'imported' : 'written'
}

/** "1 resource", "3 resources". */
export function resources(count: number): string {
  return `${figure(count)} ${count === 1 ? 'resource' : 'resources'}`
}

/** "2 added, 1 changed": what a comparison counts, in words. Outputs count as well. */
export function counted(found: Pick<Comparison, 'added' | 'removed' | 'changed'>): string {
  const parts = [
    found.added > 0 && `${found.added} added`,
    found.removed > 0 && `${found.removed} removed`,
    found.changed > 0 && `${found.changed} changed`,
  ].filter(Boolean)
  return parts.length > 0 ? parts.join(', ') : 'nothing is different'
}

/** Two states in an address: `older..newer`; the older one may be missing. */
export function pairIn(text: string | null): { before: string | undefined; after: string } | undefined {
  const found = /^(\w*)\.\.(\w+)$/.exec(text ?? '')
  const after = found?.[2]
  return after ? { before: found?.[1] || undefined, after } : undefined
}

export function pairOf(before: string | undefined, after: string): string {
  return `${before ?? ''}..${after}`
}

/** What the state is since another one took the place of `replaced`; its serial once it is known here. */
export function nowIs(history: Pick<History, 'current'>, replaced: string | undefined): string {
  const { current } = history
  return current && current.id !== replaced ? `The state is serial ${current.serial} now` : 'The state is replaced'
}

/** Why the state cannot be replaced now; nothing when it can. */
export function hindrance(stack: StackOfState, history: History): string | undefined {
  if (history.changeRefusal) return history.changeRefusal
  if (!stack.lockedAt) return 'Lock the stack first, so that no run meets a state that changes.'
  if (!history.lockedByYou) return `The stack is locked by ${stack.lockedBy}.`
  if (stack.blocker) return 'A run holds the stack: wait for it, discard it or stop it first.'
  return undefined
}
