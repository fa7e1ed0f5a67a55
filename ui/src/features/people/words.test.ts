import { describe, expect, it } from 'vitest'

import { letter, loginOf, losses, notAgain } from './words'

describe('a user', () => {
  it('is in the audit trail by source and name, once they have come', () => {
    expect(loginOf({ loginMethod: 'oidc', username: 'ada' })).toBe('oidc::ada')
    expect(loginOf({ loginMethod: null, username: 'ada' })).toBeUndefined()
  })

  it('is invited again unless they have come', () => {
    const standing = { invitationExpiresAt: null, loginMethod: null }
    expect(notAgain({ ...standing, status: 'EXPIRED' })).toBeUndefined()
    expect(notAgain({ ...standing, status: 'PENDING' })).toBeUndefined()
    expect(notAgain({ ...standing, status: 'INACTIVE' })).toBeUndefined()
    expect(notAgain({ ...standing, status: 'ACTIVE' })).toContain('come already')
  })

  it('loses what there is to lose', () => {
    expect(losses({ openSessions: 1, roleBindings: [] })).toBe('1 session and 0 roles')
    expect(losses({ openSessions: 2, roleBindings: [{ id: 'a' }] })).toBe('2 sessions and 1 role')
  })
})

describe('what is passed on', () => {
  it('says where, until when, and as whom', () => {
    const words = letter('https://gantry.example', { username: 'ada', email: 'ada@example.com' })
    expect(words).toContain('https://gantry.example')
    expect(words).toContain('within a day')
    // With an address the name alone lets nobody in.
    expect(words).toContain('with the address ada@example.com,')
    expect(words).not.toContain('by the name')
    expect(letter('https://x', { username: 'ada', email: null })).toContain('by the name ada')
  })
})
