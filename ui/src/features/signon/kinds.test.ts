import { expect, test } from 'vitest'

import { linesOf, mappingsOf } from './kinds'

test('mappings are written one a line, and read back as they were', () => {
  const mappings = [
    { idpAttribute: 'Groups', attribute: 'Teams' },
    { idpAttribute: 'urn:x?a=b', attribute: 'FirstName' },
  ]
  expect(mappingsOf(linesOf(mappings))).toEqual(mappings)
  expect(mappingsOf('\n  Groups=Teams  \n\n')).toEqual([mappings[0]])
})

test('a line without our name is sent as it is, and refused by the server', () => {
  expect(mappingsOf('Groups')).toEqual([{ idpAttribute: 'Groups', attribute: '' }])
})
