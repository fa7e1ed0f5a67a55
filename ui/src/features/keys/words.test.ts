import { describe, expect, it } from 'vitest'

import { lackingOf, mappingOf, NOBODY, rightsOf } from './words'

describe('an API key', () => {
  it('may do nothing until it is given something', () => {
    const nothing = { admin: false, spaceCount: 0, teams: [] }
    expect(rightsOf(nothing)).toBe('nothing yet')
    expect(rightsOf({ ...nothing, admin: true })).toBe('everything')
    expect(rightsOf({ ...nothing, spaceCount: 1 })).toBe('in 1 space')
    expect(rightsOf({ ...nothing, spaceCount: 2, teams: ['Platform'] })).toBe('in 2 spaces, through groups')
    expect(rightsOf({ ...nothing, teams: ['Platform'] })).toBe('through groups')
  })

  it('without a secret says whose tokens it takes', () => {
    expect(lackingOf(NOBODY)).toContain('who signs')
    const some = { ...NOBODY, issuer: 'https://ci.example.com' }
    expect(lackingOf(some)).toContain('audience')
    expect(lackingOf({ ...some, clientId: 'gantry' })).toContain('subjects')
    expect(lackingOf({ ...some, clientId: 'gantry', subjectExpression: 'project:.*' })).toBeUndefined()
  })

  it('reads groups from the claims that are named', () => {
    expect(mappingOf(['teams'])).toEqual({ entries: [{ name: 'teams', value: 'groups' }] })
    expect(mappingOf([])).toEqual({ entries: [] })
  })
})
