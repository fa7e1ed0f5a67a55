import { describe, expect, it } from 'vitest'

import { placeOf } from './place'

describe('the place one is at', () => {
  it.each([
    ['/stack/network', { stack: 'network', run: undefined }],
    ['/stack/network/environment', { stack: 'network', run: undefined }],
    ['/stack/a%20b/run/01AB', { stack: 'a b', run: '01AB' }],
    ['/stack/a/run/01AB/changes', { stack: 'a', run: '01AB' }],
    ['/stacks', undefined],
    ['/', undefined],
  ])('of %s', (path, place) => {
    expect(placeOf(path)).toEqual(place)
  })
})
