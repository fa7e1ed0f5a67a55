import { cacheExchange, createClient, fetchExchange, mapExchange } from 'urql'

import { isSignedOut } from './problem'

/** The one client. `signedOut` is called when an answer says that the session has ended. */
export function makeClient(signedOut: () => void) {
  return createClient({
    url: '/graphql',
    preferGetMethod: false,
    // What is shown already stays until the answer is there; every page looks again when opened.
    requestPolicy: 'cache-and-network',
    exchanges: [
      mapExchange({
        onError(error) {
          if (isSignedOut(error)) signedOut()
        },
      }),
      cacheExchange,
      fetchExchange,
    ],
  })
}
