/**
 * The text of one log as its bytes come in: lines by number, each with the time of its first byte.
 *
 * Bytes are named by their offset. What is there already is not taken twice, and what would leave a
 * hole is refused, so that reconnecting neither repeats nor loses anything.
 *
 * Lines are not kept one by one: the text lies in pieces of whole lines, and an index of numbers
 * says where each begins. That is what lets a log have millions of them.
 */

import { lookAfter, PLAIN, type Look } from '~/lib/ansi'

/** Lines longer than this are shown in part: browsers lay out a megabyte in one row slowly. */
export const LONG_LINE = 4_000

/** Characters of a piece of text: large enough that there are few, small enough to search at once. */
const PIECE = 64 * 1024

/** [offset, Unix milliseconds]: from this byte on, until the next of them, this is when it came. */
export type Arrival = readonly [offset: number, at: number]

export class LogText {
  /** How many bytes there are: where to go on. */
  offset = 0
  /** The longest line that is shown whole, in characters. */
  widest = 0
  // A mark of the order of bytes at the very beginning is a character as any other here.
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  /** Whole lines with their ends, and the number of the first line of each. */
  private readonly pieces: string[] = []
  private readonly firsts: number[] = []
  /** Where in its piece each line begins. */
  private starts = new Uint32Array(1024)
  private finished = 0
  private open = ''
  private openSince: number | undefined
  /** From which line on a time holds; only where it is another than before. */
  private readonly timed: number[] = []
  private readonly times: number[] = []
  /** The lines that do not begin plainly: a colour was still on. */
  private readonly looks = new Map<number, Look>()
  private look: Look = PLAIN

  /** Complete lines, and the one that is being written if it has begun. */
  get length(): number {
    return this.finished + (this.openSince === undefined ? 0 : 1)
  }

  /** Complete lines: these do not change any more. */
  get complete(): number {
    return this.finished
  }

  /** A line by its index from 0, without its end. */
  line(index: number): string {
    if (index >= this.finished) return index === this.finished ? this.open : ''
    const piece = before(this.firsts, index)
    const text = this.pieces[piece] ?? ''
    return text.slice(this.starts[index], this.endOf(index, piece, text))
  }

  /** How many characters the line has, colours and all; without looking at them. */
  size(index: number): number {
    if (index >= this.finished) return index === this.finished ? this.open.length : 0
    const piece = before(this.firsts, index)
    return this.endOf(index, piece, this.pieces[piece] ?? '') - (this.starts[index] ?? 0)
  }

  /** The colours and so on that the line begins with. */
  lookAt(index: number): Look {
    return index === this.finished ? this.look : (this.looks.get(index) ?? PLAIN)
  }

  /** When the line's first byte was written, in Unix milliseconds. */
  time(index: number): number | undefined {
    if (index === this.finished) return this.openSince
    return this.times[before(this.timed, index)]
  }

  /**
   * Takes the bytes that begin at `start`. False when bytes before them are missing: ask again
   * from `offset`.
   */
  take(start: number, bytes: Uint8Array, arrivals: readonly Arrival[]): boolean {
    if (start > this.offset) return false
    const fresh = bytes.subarray(this.offset - start)
    const from = this.offset
    this.offset += fresh.length
    let at = 0
    let since = arrivals[0]?.[1] ?? 0
    for (const [offset, moment] of arrivals) {
      const until = Math.min(offset - from, fresh.length)
      if (until > at) {
        this.write(this.decode(fresh.subarray(at, until)), since)
        at = until
      }
      since = moment
    }
    if (at < fresh.length) this.write(this.decode(fresh.subarray(at)), since)
    return true
  }

  /** Nothing more comes: half a character at the end is shown as what it is, broken. */
  close(): void {
    this.write(this.decoder.decode(), this.openSince ?? this.times.at(-1) ?? 0)
  }

  /** Everything, as it was sent but for bytes that are no text. */
  all(): string {
    return this.pieces.join('') + this.open
  }

  /** The lines from one index to another, the last one included. */
  *lines(from: number, until: number): Generator<string> {
    for (let index = from; index <= Math.min(until, this.length - 1); index += 1) {
      yield this.line(index)
    }
  }

  private decode(bytes: Uint8Array): string {
    // A character may be split between two pieces: the decoder keeps its beginning.
    return this.decoder.decode(bytes, { stream: true })
  }

  private endOf(index: number, piece: number, text: string): number {
    const last = index + 1 === (this.firsts[piece + 1] ?? this.finished)
    return (last ? text.length : (this.starts[index + 1] ?? 0)) - 1
  }

  private write(text: string, time: number): void {
    const cut = text.lastIndexOf('\n') + 1
    if (cut > 0) {
      this.append(this.open + text.slice(0, cut), this.openSince ?? time, time)
      this.open = ''
      this.openSince = undefined
    }
    if (cut < text.length) {
      this.open += text.slice(cut)
      this.openSince ??= time
    }
  }

  /** Whole lines: when the first of them began, and when the others did. */
  private append(lines: string, began: number, time: number): void {
    let piece = this.pieces.length - 1
    if (piece < 0 || (this.pieces[piece] ?? '').length >= PIECE) {
      this.firsts.push(this.finished)
      piece = this.pieces.push('') - 1
    }
    const base = (this.pieces[piece] ?? '').length
    this.pieces[piece] += lines
    const colored = lines.includes('\x1b')
    for (let from = 0; from < lines.length; ) {
      const end = lines.indexOf('\n', from)
      this.finish(base + from, from === 0 ? began : time)
      if (colored) this.look = lookAfter(lines.slice(from, end), this.look)
      const wide = end - from
      if (wide > this.widest && wide <= LONG_LINE) this.widest = wide
      from = end + 1
    }
  }

  private finish(start: number, time: number): void {
    const index = this.finished
    if (index === this.starts.length) {
      const more = new Uint32Array(this.starts.length * 2)
      more.set(this.starts)
      this.starts = more
    }
    this.starts[index] = start
    if (this.look !== PLAIN) this.looks.set(index, this.look)
    if (this.times.at(-1) !== time) {
      this.timed.push(index)
      this.times.push(time)
    }
    this.finished += 1
  }
}

/** The index of the last of the ascending numbers that is not above one; -1 when all are. */
function before(ascending: readonly number[], one: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] ?? 0) <= one) low = middle + 1
    else high = middle
  }
  return low - 1
}
