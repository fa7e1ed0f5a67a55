import { describe, expect, it } from 'vitest'

import { fieldOf, secondsOf, spanOf, textOf } from './span'

describe('a span of time', () => {
  it('is read as it is written, open on either side', () => {
    expect(spanOf('100..200')).toEqual({ from: 100, until: 200 })
    expect(spanOf('100..')).toEqual({ from: 100, until: undefined })
    expect(spanOf('yesterday')).toEqual({})
    expect(textOf({ from: 100 })).toBe('100..')
    expect(textOf({})).toBeUndefined()
  })

  it('is what the field of a browser says, to the minute', () => {
    const noon = 1_700_000_040
    expect(secondsOf(fieldOf(noon))).toBe(noon - (noon % 60))
    expect(secondsOf('')).toBeUndefined()
    expect(fieldOf(undefined)).toBe('')
  })
})
