import { expect, it } from 'vitest'

import { gathered } from './gathered'

const good = (what: string) => ({ what, health: 'GOOD' as const, says: 'fine', remedy: '' })

it('puts what is bad first, and buckets that are good into one line', () => {
  const bad = { what: 'bucket states', health: 'BAD' as const, says: 'refuses', remedy: 'Look.' }
  const odd = { what: 'workers', health: 'LOOK' as const, says: 'none', remedy: 'Start one.' }

  const found = gathered([good('database'), good('bucket a'), bad, good('bucket b'), odd])

  expect(found.map((one) => one.what)).toEqual(['bucket states', 'workers', 'database', 'storage'])
  expect(found.at(-1)?.says).toBe('2 buckets take and give, also by URL')
})
