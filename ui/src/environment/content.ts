/** Contents of mounted files travel as base64, whatever is in them. */

const PIECE = 0x8000

/** The bytes as base64. */
export function encoded(bytes: Uint8Array): string {
  let binary = ''
  // In pieces: a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += PIECE) {
    binary += String.fromCharCode(...bytes.subarray(at, at + PIECE))
  }
  return btoa(binary)
}

export function decoded(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))
}

/** The text that the bytes are; nothing if they are none, and must not pass through an editor. */
export function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_.-]*$/
/** What the server takes of one file, and of one value. */
const MAX_FILE = 2 * 1024 * 1024
const MAX_VALUE = 64 * 1024
const MAX_NAME = 512

/** What is wrong with a variable's name, if anything; nothing is said of an empty one. */
export function faultOfName(name: string): string | undefined {
  if (name === '') return undefined
  if (name.length > MAX_NAME) return `A name has at most ${MAX_NAME} characters.`
  if (!VARIABLE.test(name)) return 'A name has letters, digits, and _ . - and begins with a letter or _.'
  return undefined
}

export function faultOfValue(value: string): string | undefined {
  if (bytesOf(value).length > MAX_VALUE) return 'A value has at most 64 KiB; mount a file for more.'
  return undefined
}

/** What is wrong with the path of a mounted file, if anything. */
export function faultOfPath(path: string): string | undefined {
  if (path === '') return undefined
  if (path.startsWith('/')) return 'The path begins in the workspace: without a / in front.'
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    return 'The path goes down from the workspace: without empty parts, . and ..'
  }
  return path.length > MAX_NAME ? `A path has at most ${MAX_NAME} characters.` : undefined
}

export function faultOfFile(bytes: Uint8Array): string | undefined {
  return bytes.length > MAX_FILE ? 'A file has at most 2 MiB; keep more in the repository or a bucket.' : undefined
}
