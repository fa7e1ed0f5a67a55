import { describe, expect, it } from 'vitest'

import { added, type Opened } from './recent'

const one = (name: string): Opened => ({ path: `/stack/${name}`, label: name, about: 'stack' })

describe('what was opened lately', () => {
  it('has the newest first and each once, and not too many', () => {
    const some = ['a', 'b', 'c'].map(one)
    expect(added(some, one('c')).map(({ label }) => label)).toEqual(['c', 'a', 'b'])
    const many = Array.from({ length: 20 }, (_, n) => one(String(n)))
    expect(added(many, one('new'))).toHaveLength(8)
  })
})
