import { describe, expect, it } from 'vitest'

import { attaching, unattached } from './labels'

describe('labels of a context', () => {
  it('attach it to stacks that have what stands behind the colon, or to all', () => {
    expect(attaching(['team:shop', 'autoattach:env:production', 'autoattach:*', 'autoattach:'])).toEqual([
      { label: 'autoattach:env:production', words: 'stacks with the label env:production' },
      { label: 'autoattach:*', words: 'every stack' },
    ])
  })

  it('are left out of a copy where they would attach it', () => {
    expect(unattached(['team:shop', 'autoattach:*'])).toEqual(['team:shop'])
  })
})
