import { describe, expect, it } from 'vitest'

import { ended, groupWords, pageOf } from './words'

const page = (group: string, about: string | null, stack: string | null = null) => pageOf({ group, about, stack })

describe('where something can be done about a notification', () => {
  it('is the thing that it is about', () => {
    expect(page('POOL_WITHOUT_WORKERS', 'p')).toBe('/workers/p')
    expect(page('WEBHOOK_SWITCHED_OFF', 'w')).toBe('/integrations/webhooks/w')
    expect(page('WEBHOOK_SWITCHED_OFF', 'w', 'net')).toBe('/stack/net/webhooks')
    expect(page('STATE_KEPT_APART', 'r', 'net')).toBe('/stack/net/state')
    expect(page('SOURCE_UNREACHABLE', 'net', 'net')).toBe('/stack/net')
  })

  it('is the page of what there is one of', () => {
    expect(page('AUDIT_TRAIL_NOT_DELIVERED', null)).toBe('/integrations/webhooks/audit')
    expect(page('IDENTITY_PROVIDER_UNUSABLE', null)).toBe('/account/sign-on')
  })

  it('is nowhere for what only an operator can mend', () => {
    expect(page('REKEY_UNFINISHED', null)).toBeUndefined()
  })
})

it('names groups that it does not know by their own words', () => {
  expect(groupWords('SOME_THING')).toBe('some thing')
  expect(groupWords(null)).toBe('Other')
})

it('says who dismissed it, and that nobody had to', () => {
  expect(ended({ dismissed: false, dismissedBy: null })).toBeUndefined()
  expect(ended({ dismissed: true, dismissedBy: null })).toBe('closed by itself')
  expect(ended({ dismissed: true, dismissedBy: 'admin::ada' })).toBe('dismissed by admin::ada')
})
