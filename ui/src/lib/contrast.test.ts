import { describe, expect, it } from 'vitest'

import { contrast, readable } from './contrast'

describe('colours on a page', () => {
  it('differ as the guidelines compute it', () => {
    expect(contrast('#ffffff', '#000000')).toBeCloseTo(21)
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2)
  })

  it('stay as they are when they can be read', () => {
    expect(readable('#b00000', '#ffffff')).toBe('#b00000')
    expect(readable('#ffff87', '#16191d')).toBe('#ffff87')
  })

  it.each(['#ffff87', '#00ff00', '#ffffff', '#808080', '#000000', '#0000ff', '#5f0000'])(
    'are made readable in both themes: %s',
    (color) => {
      for (const page of ['#fbfcfd', '#16191d']) {
        expect(contrast(readable(color, page), page)).toBeGreaterThanOrEqual(4.5)
      }
    },
  )
})
