import { describe, expect, it } from 'vitest'

import type { Entry } from './documents'
import { asLines, kindOf, pageOf, readable } from './words'

const ENTRY: Entry = {
  id: '01J',
  action: 'run.confirm',
  actor: { username: 'admin::ada', run: null },
  affectedResource: { resourceId: 'r1', resourceType: 'RUN' },
  relatedResource: { resourceId: 'network', resourceType: 'STACK' },
  body: '{"mutation":"runConfirm","arguments":{"run":"r1"}}',
  createdAt: 1_700_000_000,
  remoteIP: '10.0.0.1',
  sequence: 7,
}

describe('an entry of the audit trail', () => {
  it('leads to what it is about, while that is there', () => {
    expect(pageOf(ENTRY)).toBe('/stack/network/run/r1')
    const stack = { ...ENTRY, affectedResource: { resourceId: 'network', resourceType: 'STACK' as const } }
    expect(pageOf({ ...stack, action: 'stack.lock' })).toBe('/stack/network')
    expect(pageOf({ ...stack, action: 'stack.delete' })).toBeUndefined()
    const role = { ...ENTRY, affectedResource: { resourceId: 'x', resourceType: 'UNKNOWN' as const } }
    expect(pageOf({ ...role, action: 'role.create' })).toBe('/access/roles/x')
  })

  it('names kinds as people do', () => {
    expect(kindOf({ resourceType: 'API_KEY' })).toBe('API key')
    expect(kindOf({ resourceType: 'WORKER_POOL' })).toBe('worker pool')
  })

  it('is a line of JSON, whatever was asked', () => {
    const lines = asLines([ENTRY, { ...ENTRY, body: 'no JSON\nat all' }]).trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      timestamp: '2023-11-14T22:13:20.000Z',
      data: { mutation: 'runConfirm' },
    })
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ data: 'no JSON\nat all' })
  })

  it('is shown over several lines', () => {
    expect(readable('{"a":1}')).toBe('{\n  "a": 1\n}')
    expect(readable('as it is')).toBe('as it is')
  })
})
