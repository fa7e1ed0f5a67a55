/** What is said of deliveries, and what cannot be an endpoint. */

export const STATES = {
  WAITING: { word: 'waits', color: 'blue' },
  DELIVERED: { word: 'delivered', color: 'green' },
  FAILED: { word: 'failed', color: 'red' },
} as const

/** Why a text cannot be an endpoint; nothing if it may be one. The server looks again. */
export function faultOfEndpoint(text: string): string | undefined {
  const given = text.trim()
  if (given === '') return 'Give it an endpoint.'
  let url: URL
  try {
    url = new URL(given)
  } catch {
    return 'An endpoint is a whole address, such as https://hooks.example.com/gantry.'
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'An endpoint begins with https:// or http://.'
  if (!given.startsWith(`${url.protocol}//`)) return 'An endpoint begins with https:// or http://.'
  if (url.username || url.password) return 'An address shows its password to everybody: use a header instead.'
  return undefined
}

/** Why a text cannot be the name of a header; nothing if it may be one. */
export function faultOfHeader(name: string): string | undefined {
  if (name === '') return 'Give it a name.'
  return /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(name)
    ? undefined
    : 'Letters, digits and dashes, without spaces or colons.'
}

/** A body for people: JSON is set in lines, anything else is left as it came. */
export function readable(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}

/** How long an exchange took. */
export function took(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`
}

/** What became of a test, in a sentence. */
export function outcome(tested: { state: string; statusCode: number | null; error: string | null }): string {
  return tested.state === 'DELIVERED'
    ? `The endpoint answered ${tested.statusCode}.`
    : (tested.error ?? 'It did not arrive.')
}
