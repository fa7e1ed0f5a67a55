/** Why one of our own doors did not do it: in a sentence, with the code that the help explains. */
export interface Refusal {
  sentence: string
  code: string | undefined
}

/** Sends JSON to one of our own doors: what it answers, or why it did not. */
export async function post<T>(where: string, given: Record<string, unknown>): Promise<{ said: T } | { refusal: Refusal }> {
  try {
    const answer = await fetch(where, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(given),
    })
    if (answer.ok) return { said: (await answer.json()) as T }
    const said = (await answer.json()) as { message?: string; code?: string }
    return { refusal: { sentence: said.message ?? 'The server did not say why it refused.', code: said.code } }
  } catch {
    return { refusal: { sentence: 'The server cannot be reached. Try again in a moment.', code: undefined } }
  }
}
