import { describe, expect, it } from 'vitest'

import type { History, StackOfState } from './documents'
import { counted, hindrance, nowIs, pairIn, pairOf, resources, wayOf } from './words'

const stack = (more: Partial<StackOfState> = {}) =>
  ({ id: 's', lockedAt: 1, lockedBy: 'admin::ada', blocker: null, ...more }) as StackOfState
const history = (more: Partial<History> = {}) =>
  ({ changeRefusal: null, lockedByYou: true, ...more }) as History

describe('why a state cannot be replaced', () => {
  it('has nothing to say once the stack is ours and no run holds it', () => {
    expect(hindrance(stack(), history())).toBeUndefined()
  })

  it('names the first thing in the way', () => {
    const held = { blocker: { id: 'r', title: 'x', state: 'UNCONFIRMED' } } as Partial<StackOfState>
    expect(hindrance(stack({ lockedAt: null }), history({ changeRefusal: 'no right' }))).toBe('no right')
    expect(hindrance(stack({ lockedAt: null, ...held }), history())).toMatch(/^Lock the stack/)
    expect(hindrance(stack({ ...held }), history({ lockedByYou: false }))).toMatch(/by admin::ada/)
    expect(hindrance(stack(held), history())).toMatch(/^A run holds/)
  })
})

describe('two states in an address', () => {
  it('come back as they went', () => {
    expect(pairIn(pairOf('01A', '01B'))).toEqual({ before: '01A', after: '01B' })
    expect(pairIn(pairOf(undefined, '01B'))).toEqual({ before: undefined, after: '01B' })
  })

  it('are nothing when they are not two states', () => {
    for (const text of [null, '', '01A', '01A..', 'a b..c', '../..x/']) expect(pairIn(text)).toBeUndefined()
  })
})

describe('words', () => {
  it('say how a state came to be', () => {
    const plain = { imported: false, rollback: false, rolledBackToSerial: null }
    expect(wayOf(plain)).toBe('written')
    expect(wayOf({ ...plain, imported: true })).toBe('imported')
    expect(wayOf({ ...plain, rollback: true, rolledBackToSerial: 3 })).toBe('rolled back to serial 3')
  })

  it('name the new state only once it is known', () => {
    const current = { id: 'b', serial: 4 } as History['current']
    expect(nowIs({ current }, 'a')).toBe('The state is serial 4 now')
    expect(nowIs({ current }, 'b')).toBe('The state is replaced')
    expect(nowIs({ current: null }, undefined)).toBe('The state is replaced')
  })

  it('count', () => {
    expect(resources(1)).toBe('1 resource')
    expect(resources(12345)).toBe(`${(12345).toLocaleString()} resources`)
    expect(counted({ added: 2, removed: 0, changed: 1 })).toBe('2 added, 1 changed')
    expect(counted({ added: 0, removed: 0, changed: 0 })).toBe('nothing is different')
  })
})
