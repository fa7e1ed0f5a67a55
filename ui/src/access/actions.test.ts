import { describe, expect, it } from 'vitest'

import { brings, bySubject, levelAmong, verbOf, type Meaning } from './actions'

const LOCK: Meaning = { action: 'STACK_LOCK', subject: 'Stack', sentence: 'Lock a stack.', broughtBy: 'WRITE' }
const DELETE: Meaning = { action: 'STACK_DELETE', subject: 'Stack', sentence: 'Delete a stack.', broughtBy: 'ADMIN' }
const DRAIN: Meaning = {
  action: 'WORKER_DRAIN_SET',
  subject: 'Worker pool',
  sentence: 'Let a worker take no more runs.',
  broughtBy: 'ADMIN',
}

describe('actions', () => {
  it('come along with a level and all above it', () => {
    expect(levelAmong(new Set(['SPACE_READ', 'SPACE_WRITE', 'STACK_DELETE']))).toBe('SPACE_WRITE')
    expect(levelAmong(new Set(['STACK_DELETE']))).toBeUndefined()
    expect(brings('SPACE_WRITE', LOCK)).toBe(true)
    expect(brings('SPACE_READ', LOCK)).toBe(false)
    expect(brings('SPACE_ADMIN', DELETE)).toBe(true)
    expect(brings(undefined, LOCK)).toBe(false)
  })

  it('are said in words', () => {
    expect(verbOf(LOCK)).toBe('lock')
    expect(verbOf(DRAIN)).toBe('worker drain set')
  })

  it('are found by their name and by what they do', () => {
    const all = [LOCK, DELETE, DRAIN]
    expect(bySubject(all)).toEqual([
      ['Stack', [LOCK, DELETE]],
      ['Worker pool', [DRAIN]],
    ])
    expect(bySubject(all, 'no more')).toEqual([['Worker pool', [DRAIN]]])
    expect(bySubject(all, 'STACK_LO')).toEqual([['Stack', [LOCK]]])
  })
})
