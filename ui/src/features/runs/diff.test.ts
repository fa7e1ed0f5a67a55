import { describe, expect, it } from 'vitest'

import { COMPUTED, differences, SECRET } from './diff'

const brief = (before: Parameters<typeof differences>[0], after: Parameters<typeof differences>[1]) =>
  differences(before, after).map((one) => [one.kind, one.path, one.before, one.after])

describe('differences of attributes', () => {
  it('tells what is added, removed, changed and the same', () => {
    expect(brief({ a: 1, b: 'x', c: true }, { b: 'y', c: true, d: null, e: 2 })).toEqual([
      ['removed', 'a', '1', undefined],
      ['changed', 'b', '"x"', '"y"'],
      ['same', 'c', 'true', 'true'],
      ['added', 'e', undefined, '2'],
    ])
  })

  it('goes into blocks and lists', () => {
    expect(brief({ tags: { Name: 'a' }, l: [1, 2] }, { tags: { Name: 'b' }, l: [1, 3, 4] })).toEqual([
      ['same', 'l[0]', '1', '1'],
      ['changed', 'l[1]', '2', '3'],
      ['added', 'l[2]', undefined, '4'],
      ['changed', 'tags.Name', '"a"', '"b"'],
    ])
  })

  it('lists every attribute of what is made or deleted', () => {
    expect(brief(null, { id: COMPUTED, block: [{ port: 80 }], empty: {} })).toEqual([
      ['added', 'block[0].port', undefined, '80'],
      ['added', 'empty', undefined, '{}'],
      ['added', 'id', undefined, COMPUTED],
    ])
    for (const gone of [undefined, null]) {
      expect(brief({ id: 'i-1' }, gone)).toEqual([['removed', 'id', '"i-1"', undefined]])
    }
  })

  it('shows a secret by its name alone, also when it changes', () => {
    expect(brief({ password: SECRET }, { password: SECRET })).toEqual([
      ['same', 'password', SECRET, SECRET],
    ])
  })

  it('quotes keys that are no words', () => {
    expect(brief({}, { 'a/b': { 'x y': 1 } })).toEqual([['added', '["a/b"]["x y"]', undefined, '1']])
  })

  it('tells a value from a block that takes its place', () => {
    expect(brief({ a: 'text' }, { a: { b: 1 } })).toEqual([['changed', 'a', '"text"', '{"b":1}']])
  })

  it('shows the beginning of what is too long to be read', () => {
    const [found] = differences(null, { file: 'x'.repeat(5_000) })
    expect(found?.after).toHaveLength(2_002)
  })

  it('has nothing to say of nothing', () => {
    expect(differences(undefined, null)).toEqual([])
  })
})
