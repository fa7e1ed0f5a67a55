import { describe, expect, it } from 'vitest'

import { bytesOf, decoded, encoded, faultOfFile, faultOfName, faultOfPath, faultOfValue, textOf } from './content'

describe('the content of a file', () => {
  it('comes back as it was, whatever is in it', () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, n) => n % 256)
    expect(encoded(bytes)).toBe(Buffer.from(bytes).toString('base64'))
    expect(encoded(decoded(encoded(bytes)))).toBe(encoded(bytes))
    expect(textOf(decoded(encoded(bytesOf('ünï 🐢\r\n'))))).toBe('ünï 🐢\r\n')
  })

  it('is no text when an editor would change it', () => {
    expect(textOf(Uint8Array.of(0xff, 0xfe))).toBeUndefined()
    expect(textOf(Uint8Array.of(65, 0, 66))).toBeUndefined()
    expect(textOf(Uint8Array.of(0xef, 0xbb, 0xbf, 65))).toBe('\ufeffA')
  })

  it('is too large above two megabytes', () => {
    expect(faultOfFile(new Uint8Array(2 * 1024 * 1024))).toBeUndefined()
    expect(faultOfFile(new Uint8Array(2 * 1024 * 1024 + 1))).toMatch(/2 MiB/)
  })
})

describe('names', () => {
  it.each(['A', '_a', 'TF_VAR_region', 'a.b-c'])('%s is one', (name) => {
    expect(faultOfName(name)).toBeUndefined()
  })
  it.each(['1A', 'A B', 'ü', '=', 'A'.repeat(513)])('%s is none', (name) => {
    expect(faultOfName(name)).toBeDefined()
  })
  it.each(['a', 'a/b.tfvars', '..a/b'])('%s is a path', (path) => {
    expect(faultOfPath(path)).toBeUndefined()
  })
  it.each(['/a', 'a//b', '../a', 'a/./b', 'a/'])('%s is no path', (path) => {
    expect(faultOfPath(path)).toBeDefined()
  })
  it('counts the bytes of a value', () => {
    expect(faultOfValue('x'.repeat(64 * 1024))).toBeUndefined()
    expect(faultOfValue('ü'.repeat(40 * 1024))).toBeDefined()
  })
})
