import { describe, expect, it } from 'vitest'

import { HOOK_NAMES, moved, tidied } from './hooks'

describe('hooks', () => {
  it('are those that the API has', () => {
    expect(HOOK_NAMES).toHaveLength(11)
    expect(new Set(HOOK_NAMES).size).toBe(11)
  })

  it('change places, and stay within their list', () => {
    expect(moved(['a', 'b', 'c'], 1, -1)).toEqual(['b', 'a', 'c'])
    expect(moved(['a', 'b', 'c'], 1, 1)).toEqual(['a', 'c', 'b'])
    expect(moved(['a', 'b'], 0, -1)).toEqual(['a', 'b'])
    expect(moved(['a', 'b'], 1, 1)).toEqual(['a', 'b'])
  })

  it('are saved without those that were left empty', () => {
    expect(tidied(['', 'echo a', '  \n'])).toEqual(['echo a'])
  })
})
