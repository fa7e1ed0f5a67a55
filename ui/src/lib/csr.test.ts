import { execFileSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'

import { environmentFile, makePoolKey } from './csr'

// 2048 bits: the least that is allowed, for speed.
const BITS = 2048

function openssl(request: string, ...options: string[]): string {
  return execFileSync('openssl', ['req', '-noout', ...options], { input: request, encoding: 'utf8' })
}

describe('the key of a pool', () => {
  it('comes with a request that openssl confirms, for the same key', async () => {
    const { privateKey, request } = await makePoolKey('builders of "Köln" & more', BITS)

    openssl(request, '-verify')
    expect(openssl(request, '-subject', '-nameopt', 'utf8')).toContain('builders of "Köln" & more')
    const modulus = createPrivateKey(privateKey).export({ format: 'jwk' }).n ?? ''
    expect(openssl(request, '-modulus').trim().split('=')[1]?.toLowerCase()).toBe(
      Buffer.from(modulus, 'base64url').toString('hex'),
    )
  })

  it('is given to workers as base64 of the whole file, on one line', async () => {
    const { privateKey } = await makePoolKey('x', BITS)
    const lines = environmentFile('token', privateKey).trimEnd().split('\n')

    expect(lines).toHaveLength(2)
    expect(lines[0]).toBe('SPACELIFT_TOKEN=token')
    const given = lines[1]?.replace('SPACELIFT_POOL_PRIVATE_KEY=', '') ?? ''
    expect(Buffer.from(given, 'base64').toString()).toBe(privateKey)
  })
})
