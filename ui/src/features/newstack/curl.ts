/** The stack as one call of the API, for a shell. */

import { CREATE } from './documents'
import type { Draft } from './draft'
import { creationOf } from './input'

export function curlOf(draft: Draft, endpoint: string): string {
  const body = JSON.stringify({ query: CREATE, variables: creationOf(draft) }, null, 2)
  return [
    `curl --fail-with-body ${quoted(`${endpoint}/graphql`)}`,
    `  --header 'content-type: application/json'`,
    // The shell puts it in: a token does not belong into what is copied around.
    `  --header "authorization: Bearer $GANTRY_TOKEN"`,
    `  --data-raw ${quoted(body)}`,
  ].join(' \\\n') + '\n'
}

/** A word of a POSIX shell that means exactly this text. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
