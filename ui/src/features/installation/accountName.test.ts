import { describe, expect, it } from 'vitest'

import { rulesOf } from './accountName'

const good = (name: string) => rulesOf(name).every(({ kept }) => kept)

describe('the name of an account', () => {
  it.each(['ab', 'acme', '9to5', 'A_b-c', 'x'.repeat(38)])('may be %s', (name) => {
    expect(good(name)).toBe(true)
  })

  it.each(['', 'a', 'x'.repeat(39), '-ab', '_ab', 'a b', 'Köln', 'a.b'])('may not be "%s"', (name) => {
    expect(good(name)).toBe(false)
  })
})
