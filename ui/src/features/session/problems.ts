/** What a code means to somebody who wanted to sign in; the page of the code says it to everybody. */
const WORDS: Readonly<Record<string, string>> = {
  SIGN_ON_REFUSED:
    'The identity provider did not prove who you are. Try again; if it stays so, an administrator finds the reason in the server’s log.',
  SIGN_ON_OVER:
    'This sign-in was begun in another browser, took longer than ten minutes, or was used already. Begin again.',
  NOT_INVITED:
    'The identity provider knows you, but nobody has invited you to this account, or your invitation has expired. Ask one of its administrators.',
  IDENTITY_PROVIDER_UNUSABLE:
    'The identity provider does not answer as it should. Try again in a moment; if it stays so, its settings may be wrong.',
  NO_SUCH_LOGIN: 'This installation has no such identity provider any more. Choose another way below.',
  TOO_MANY_REQUESTS: 'Too many sign-ins were begun from where you are. Wait ten minutes, and try again.',
}

/** A sentence for every code. Nothing of the address itself is shown: anybody may have written it. */
export function wordsFor(code: string): string {
  return (Object.hasOwn(WORDS, code) ? WORDS[code] : undefined) ?? 'Signing in did not work. Try again.'
}
