/** Spans of time as the audit trail is searched by them: `<from>..<until>` in Unix seconds. */

export interface Span {
  from?: number | undefined
  until?: number | undefined
}

const HOUR = 3600

export const SPANS = [
  { label: 'The last hour', seconds: HOUR },
  { label: 'The last day', seconds: 24 * HOUR },
  { label: 'The last 7 days', seconds: 7 * 24 * HOUR },
  { label: 'The last 30 days', seconds: 30 * 24 * HOUR },
] as const

export function spanOf(text: string | undefined): Span {
  const found = /^(\d*)\.\.(\d*)$/.exec(text ?? '')
  if (!found) return {}
  return { from: found[1] ? Number(found[1]) : undefined, until: found[2] ? Number(found[2]) : undefined }
}

/** Nothing for a span without an end on either side: it would be everything. */
export function textOf({ from, until }: Span): string | undefined {
  if (from === undefined && until === undefined) return undefined
  return `${from ?? ''}..${until ?? ''}`
}

/** A time as the browser's own field has it, in the viewer's zone; and back. */
export function fieldOf(seconds: number | undefined): string {
  if (seconds === undefined) return ''
  const at = new Date(seconds * 1000)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

export function secondsOf(field: string): number | undefined {
  const at = new Date(field).getTime()
  return field === '' || Number.isNaN(at) ? undefined : Math.floor(at / 1000)
}
