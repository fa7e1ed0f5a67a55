import { describe, expect, it } from 'vitest'

import { faultOfEndpoint, faultOfHeader, outcome, readable, took } from './words'

describe('an endpoint', () => {
  it('is a whole address of http or https', () => {
    expect(faultOfEndpoint(' https://hooks.example.com/in?a=b ')).toBeUndefined()
    expect(faultOfEndpoint('http://hooks.example.com')).toBeUndefined()
    for (const wrong of ['', 'hooks.example.com', 'https:/x', 'ftp://hooks.example.com', '/in']) {
      expect(faultOfEndpoint(wrong), wrong).toBeDefined()
    }
  })

  it('holds no password', () => {
    expect(faultOfEndpoint('https://me:secret@hooks.example.com/')).toContain('header')
  })
})

describe('a header', () => {
  it('has a name that HTTP knows', () => {
    expect(faultOfHeader('X-Team')).toBeUndefined()
    for (const wrong of ['', 'X Team', 'X:Y', 'X\nY', 'ä']) expect(faultOfHeader(wrong), wrong).toBeDefined()
  })
})

describe('what is shown of a delivery', () => {
  it('sets JSON in lines and leaves other texts alone', () => {
    expect(readable('{"a":1}')).toBe('{\n  "a": 1\n}')
    expect(readable('<html>')).toBe('<html>')
  })

  it('says how long it took', () => {
    expect([took(7), took(999), took(1250)]).toEqual(['7 ms', '999 ms', '1.3 s'])
  })

  it('says what became of it', () => {
    expect(outcome({ state: 'DELIVERED', statusCode: 204, error: null })).toBe('The endpoint answered 204.')
    expect(outcome({ state: 'FAILED', statusCode: null, error: 'Nobody is there.' })).toBe('Nobody is there.')
  })
})
