/** Times as people say them. The API's are Unix seconds. */

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How long ago, roughly: "just now", "5 min ago", "3 h ago", "2 d ago", then the date. */
export function ago(then: number, now: number): string {
  const gone = now - then
  if (gone < 0) return gone > -MINUTE ? 'just now' : `in ${span(-gone)}`
  if (gone < 45) return 'just now'
  if (gone < 30 * DAY) return `${span(gone)} ago`
  return new Date(then * 1000).toLocaleDateString(undefined, { dateStyle: 'medium' })
}

/** A duration in its largest unit that says something: "12 s", "5 min", "3 h", "2 d". */
export function span(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`
  if (seconds < 90 * MINUTE) return `${Math.round(seconds / MINUTE)} min`
  if (seconds < 36 * HOUR) return `${Math.round(seconds / HOUR)} h`
  return `${Math.round(seconds / DAY)} d`
}

/** A duration to the second: "4 s", "1 min 05 s", "2 h 03 min". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole < MINUTE) return `${whole} s`
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${two(whole % MINUTE)} s`
  return `${Math.floor(whole / HOUR)} h ${two(Math.floor((whole % HOUR) / MINUTE))} min`
}

/** The moment in the viewer's own zone, to the second, with the zone's name. */
export function exact(then: number): string {
  return new Date(then * 1000).toLocaleString(undefined, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  })
}

/** The time of day of a log line, in the viewer's zone, to the millisecond. */
export function clock(milliseconds: number): string {
  const moment = new Date(milliseconds)
  const rest = String(moment.getMilliseconds()).padStart(3, '0')
  return `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}.${rest}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
