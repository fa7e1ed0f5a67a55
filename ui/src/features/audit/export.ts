import type { asked } from '~/list/asked'
import { send } from '~/graphql/quiet'
import type { Problem } from '~/graphql/problem'

import { EntriesQuery, type Entry } from './documents'

/** As many as a browser holds without effort; whoever wants more narrows the time, or asks the API. */
export const MOST = 10_000
/** The most that the server gives at once. */
const PAGE = 500

function page(input: ReturnType<typeof asked>, after: string | null) {
  return send(EntriesQuery, { input: { ...input, first: PAGE, after } })
}

/** The entries that fit, page by page; `told` hears how many there are by now. */
export async function gather(
  input: ReturnType<typeof asked>,
  told: (count: number) => void,
): Promise<{ entries: Entry[]; more: boolean } | { problem: Problem }> {
  const entries: Entry[] = []
  for (let after: string | null = null; ; ) {
    const answer = await page(input, after)
    if (answer.problem) return { problem: answer.problem }
    const { edges, pageInfo } = answer.data.searchAuditTrailEntries
    entries.push(...edges.map(({ node }) => node))
    told(entries.length)
    if (!pageInfo.hasNextPage || entries.length >= MOST) return { entries, more: pageInfo.hasNextPage }
    after = pageInfo.endCursor
  }
}
