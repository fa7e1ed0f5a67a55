import { describe, expect, it } from 'vitest'

import { pathOf, wayTo } from './spaces'

const SPACES = [
  { id: 'root', name: 'root', parentSpace: null },
  { id: 'a', name: 'payments', parentSpace: 'root' },
  { id: 'b', name: 'staging', parentSpace: 'a' },
]

describe('the way to a space', () => {
  it('begins as high up as one sees', () => {
    expect(pathOf(SPACES, 'b')).toBe('root / payments / staging')
    expect(pathOf(SPACES.slice(1), 'b')).toBe('payments / staging')
  })

  it('ends where it came from, whatever the spaces say', () => {
    const circle = [
      { id: 'a', name: 'a', parentSpace: 'b' },
      { id: 'b', name: 'b', parentSpace: 'a' },
    ]
    expect(wayTo(circle, 'a')).toHaveLength(2)
  })

  it('is the id of what one does not see', () => {
    expect(pathOf(SPACES, 'gone')).toBe('gone')
  })
})
