import { expect, test } from 'vitest'

import { wordsFor } from './problems'

test('a code that is known is told in words, and anything else in words of ours', () => {
  expect(wordsFor('NOT_INVITED')).toContain('invited')
  expect(wordsFor('Call this number')).toBe('Signing in did not work. Try again.')
  expect(wordsFor('constructor')).toBe('Signing in did not work. Try again.')
})
