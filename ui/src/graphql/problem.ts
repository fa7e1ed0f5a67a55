import type { CombinedError } from 'urql'

/** What went wrong, as people are told: the server's sentence, and its code for the docs. */
export interface Problem {
  sentence: string
  code: string | undefined
}

/** Something was to be done, and no answer came. */
export class Unanswered extends Error {}

/** What to tell of an error; or of an answer that was none, and no error either. */
export function problemOf(error: CombinedError | undefined): Problem {
  if (!error) return { sentence: 'The server gave no answer.', code: undefined }
  if (error.networkError instanceof Unanswered) {
    return {
      sentence: 'The server did not answer. It may have been done all the same: look before you do it again.',
      code: undefined,
    }
  }
  if (error.networkError) {
    return {
      sentence: 'The server cannot be reached. This page goes on by itself when it can.',
      code: undefined,
    }
  }
  if (isSignedOut(error)) {
    return {
      sentence: 'Your session has ended, and nothing was done. Sign in, then do it again.',
      code: 'UNAUTHENTICATED',
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
