/**
 * The text of one log as its bytes come in: lines by number, each with the time of its first byte.
 *
 * Bytes are named by their offset. What is there already is not taken twice, and what would leave a
 * hole is refused, so that reconnecting neither repeats nor loses anything.
 */

/** Lines longer than this are shown in part: browsers lay out a megabyte in one row slowly. */
export const LONG_LINE = 4_000

export class LogText {
  /** How many bytes there are: where to go on. */
  offset = 0
  private readonly decoder = new TextDecoder('utf-8')
  private readonly finished: string[] = []
  private readonly times: number[] = []
  private open = ''
  private openSince: number | undefined

  /** Complete lines, and the one that is being written if it has begun. */
  get length(): number {
    return this.finished.length + (this.openSince === undefined ? 0 : 1)
  }

  /** A line by its index from 0, without its end. */
  line(index: number): string {
    return index === this.finished.length ? this.open : (this.finished[index] ?? '')
  }

  /** When the line's first byte was written, in Unix milliseconds. */
  time(index: number): number | undefined {
    return index === this.finished.length ? this.openSince : this.times[index]
  }

  /**
   * Takes the bytes that begin at `start`. False when bytes before them are missing: ask again
   * from `offset`.
   */
  take(start: number, bytes: Uint8Array, time: number): boolean {
    if (start > this.offset) return false
    const fresh = bytes.subarray(this.offset - start)
    if (fresh.length === 0) return true
    this.offset += fresh.length
    // A character may be split between two pieces: the decoder keeps its beginning.
    this.write(this.decoder.decode(fresh, { stream: true }), time)
    return true
  }

  /** Nothing more comes: half a character at the end is shown as what it is, broken. */
  close(): void {
    this.write(this.decoder.decode(), this.openSince ?? this.times.at(-1) ?? 0)
  }

  /** Everything, as it was sent but for bytes that are no text. */
  all(): string {
    return this.openSince === undefined
      ? this.finished.map((line) => `${line}\n`).join('')
      : `${this.finished.map((line) => `${line}\n`).join('')}${this.open}`
  }

  private write(text: string, time: number): void {
    if (!text) return
    const pieces = text.split('\n')
    const last = pieces.pop() ?? ''
    for (const piece of pieces) {
      this.finished.push(this.open + piece)
      this.times.push(this.openSince ?? time)
      this.open = ''
      this.openSince = undefined
    }
    if (last) {
      this.open += last
      this.openSince ??= time
    }
  }
}
