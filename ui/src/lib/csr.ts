/**
 * Keys of worker pools, made in the page: the private key never leaves the browser but by the hand
 * of whoever made it. The request is PKCS #10 (RFC 2986), in DER, and carries nothing but a key and
 * a name.
 */

/** The size that `openssl` examples use as well; the server takes 2048 to 6144. */
const BITS = 4096

const SEQUENCE = 0x30
const SET = 0x31
const INTEGER = 0x02
const BIT_STRING = 0x03
const NULL = 0x05
const OID = 0x06
const UTF8 = 0x0c
/** The attributes of a request: `[0] IMPLICIT`, here without any. */
const ATTRIBUTES = 0xa0

/** Characters that a common name has at most (X.520). */
const NAME_LENGTH = 64

const COMMON_NAME = [0x55, 0x04, 0x03]
/** sha256WithRSAEncryption, 1.2.840.113549.1.1.11. */
const SHA256_WITH_RSA = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]

export interface PoolKey {
  /** PKCS #8, PEM. */
  privateKey: string
  /** PKCS #10, PEM. */
  request: string
}

/** Whether this page can make keys: browsers do so only over TLS or on this machine. */
export function canMakeKeys(): boolean {
  return globalThis.crypto?.subtle !== undefined
}

/** A fresh RSA key, and the request that a pool is made of. Takes a second or two. */
export async function makePoolKey(name: string, bits = BITS): Promise<PoolKey> {
  const { subtle } = globalThis.crypto
  const pair = await subtle.generateKey(
    {
      name: 'RSASSA-PKCS1-v1_5',
      hash: 'SHA-256',
      modulusLength: bits,
      // 65537
      publicExponent: new Uint8Array([1, 0, 1]),
    },
    true,
    ['sign', 'verify'],
  )
  const publicKey = new Uint8Array(await subtle.exportKey('spki', pair.publicKey))
  const info = der(
    SEQUENCE,
    der(INTEGER, [0]),
    subject(name),
    publicKey,
    der(ATTRIBUTES),
  )
  const signature = await subtle.sign('RSASSA-PKCS1-v1_5', pair.privateKey, info)
  const request = der(
    SEQUENCE,
    info,
    der(SEQUENCE, der(OID, SHA256_WITH_RSA), der(NULL)),
    // No bit of the last byte is left over.
    der(BIT_STRING, [0], new Uint8Array(signature)),
  )
  return {
    privateKey: pem('PRIVATE KEY', new Uint8Array(await subtle.exportKey('pkcs8', pair.privateKey))),
    request: pem('CERTIFICATE REQUEST', request),
  }
}

/** What a worker is started with: the lines of an environment file. */
export function environmentFile(token: string, privateKey: string): string {
  return `SPACELIFT_TOKEN=${token}\nSPACELIFT_POOL_PRIVATE_KEY=${btoa(privateKey)}\n`
}

function subject(name: string): Uint8Array<ArrayBuffer> {
  const cut = [...name].slice(0, NAME_LENGTH).join('')
  const common = der(SEQUENCE, der(OID, COMMON_NAME), der(UTF8, new TextEncoder().encode(cut)))
  return der(SEQUENCE, der(SET, common))
}

function der(tag: number, ...contents: ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const length = contents.reduce((sum, content) => sum + content.length, 0)
  const head = [tag, ...lengthOf(length)]
  const whole = new Uint8Array(head.length + length)
  whole.set(head)
  let at = head.length
  for (const content of contents) {
    whole.set(content, at)
    at += content.length
  }
  return whole
}

/** Below 128 the length itself; else how many bytes it has, and those. */
function lengthOf(length: number): number[] {
  if (length < 128) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [0x80 | bytes.length, ...bytes]
}

function pem(label: string, bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  const lines = btoa(text).match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
