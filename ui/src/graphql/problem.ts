import type { CombinedError } from 'urql'

/** What went wrong, as people are told: the server's sentence, and its code for the docs. */
export interface Problem {
  sentence: string
  code: string | undefined
}


export function problemOf(error: CombinedError): Problem {
  if (error.networkError) {
    return {
      sentence: 'The server cannot be reached. This page goes on by itself when it can.',
      code: undefined,
    }
  }
  const first = error.graphQLErrors[0]
  const code = first?.extensions['code']
  return {
    sentence: first?.message ?? error.message,
    code: typeof code === 'string' ? code : undefined,
  }
}

/** Whether the session has ended, or there never was one. */
export function isSignedOut(error: CombinedError): boolean {
  return error.graphQLErrors.some((one) => one.extensions['code'] === 'UNAUTHENTICATED')
}
