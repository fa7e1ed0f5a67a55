import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type RefObject } from 'react'

import { Heights } from './heights'
import { LONG_LINE, type LogText } from './text'

/** The height of a row of text, as the style has it. */
export const LINE_PX = 19
/** Rows kept ready above and below what is seen, for the next turn of the wheel. */
const SPARE_PX = 8 * LINE_PX
/** Whoever is this near the end is at the end. */
const NEAR_PX = 2 * LINE_PX
/** Browsers place nothing beyond some 33 million pixels: longer sheets are scrolled through faster. */
const MOST_PX = 30_000_000

interface Wanted {
  text: LogText
  /** Changes when the text has grown. */
  revision: number
  wrap: boolean
  /** Ranges of lines that are folded away, ascending. */
  hidden: readonly (readonly [from: number, until: number])[]
  /** Stay at the end, whatever comes. */
  following: boolean
  /** Somebody scrolled away from the end, or to it. */
  onScrolled: (atEnd: boolean) => void
}

interface Rows {
  box: RefObject<HTMLDivElement | null>
  /** Around the rows that are shown, which are its children in order. */
  block: RefObject<HTMLDivElement | null>
  onScroll: () => void
  lines: number[]
  /** Where the first of the rows begins in the sheet, and how high the sheet is. */
  top: number
  height: number
  /** Which of the rows shows each of the lines. One that goes out of sight is used again for one that
   * comes: making elements anew takes a browser several times as long as other words in old ones. */
  slots: number[]
  show: (line: number, align?: 'start' | 'center') => void
}

/**
 * Which lines of a long log to show where. Lines that are not wrapped are as high as each other;
 * the heights of others are guessed by their lengths until they have been seen.
 */
export function useRows(wanted: Wanted): Rows {
  const { text, wrap, hidden, following } = wanted
  const box = useRef<HTMLDivElement>(null)
  const block = useRef<HTMLDivElement>(null)
  const [place, setPlace] = useState({ top: 0, tall: 600, columns: 120 })
  const [, again] = useState(0)
  const columns = wrap ? place.columns : 0

  const heights = useMemo(
    () => new Guessed(text, columns, hidden),
    [text, columns, hidden],
  )
  heights.keepUp()
  const total = heights.total
  const sheet = Math.min(total, MOST_PX)
  const scale = total > MOST_PX ? (total - place.tall) / (MOST_PX - place.tall) : 1

  // What the newest render knows, for events that come between renders.
  const now = useRef({ heights, scale })
  const last = useRef({ top: 0, ours: -1, tall: 0 })
  const anchor = useRef({ line: 0, within: 0 })
  const goal = useRef<{ line: number; align: 'start' | 'center' } | undefined>(undefined)
  const scrolled = useRef(wanted.onScrolled)
  useLayoutEffect(() => {
    now.current = { heights, scale }
    scrolled.current = wanted.onScrolled
  })

  const go = useCallback((top: number) => {
    const element = box.current
    if (!element) return
    element.scrollTop = top
    last.current = { top: element.scrollTop, ours: element.scrollTop, tall: element.clientHeight }
    setPlace((was) => (was.top === element.scrollTop ? was : { ...was, top: element.scrollTop }))
  }, [])

  const aim = useCallback(() => {
    const element = box.current
    if (!element || !goal.current) return
    const { line, align } = goal.current
    const room = align === 'center' ? (element.clientHeight - LINE_PX) / 2 : 0
    go((now.current.heights.offsetOf(line) - room) / now.current.scale)
  }, [go])

  const show = useCallback(
    (line: number, align: 'start' | 'center' = 'center') => {
      goal.current = { line, align }
      aim()
    },
    [aim],
  )

  const onScroll = useCallback(() => {
    const element = box.current
    if (!element) return
    const top = element.scrollTop
    const before = last.current
    const tall = element.clientHeight
    // A box that becomes taller at its end is scrolled by the browser, not by a person.
    const own = Math.abs(top - before.ours) < 2 || tall !== before.tall
    last.current = { top, ours: own ? top : -1, tall }
    const virtual = top * now.current.scale
    const line = now.current.heights.at(virtual)
    anchor.current = { line, within: virtual - now.current.heights.offsetOf(line) }
    setPlace((was) => (was.top === top ? was : { ...was, top }))
    if (own) return
    goal.current = undefined
    const atEnd = element.scrollHeight - top - element.clientHeight < NEAR_PX
    if (atEnd || top < before.top) scrolled.current(atEnd)
  }, [])

  useEffect(() => {
    const element = box.current
    if (!element) return
    const watch = new ResizeObserver(() => {
      setPlace((was) => {
        const next = { ...was, tall: element.clientHeight, columns: columnsOf(element) }
        return next.tall === was.tall && next.columns === was.columns ? was : next
      })
    })
    watch.observe(element)
    return () => watch.disconnect()
  }, [])

  // Other heights than before: what was at the top stays there.
  useLayoutEffect(() => {
    if (goal.current) aim()
    else go((heights.offsetOf(anchor.current.line) + anchor.current.within) / now.current.scale)
  }, [heights, aim, go])

  useLayoutEffect(() => {
    if (following) {
      goal.current = undefined
      // More than there is: the browser stops at the end.
      go(total)
    }
  }, [following, total, place.tall, go])

  const virtual = place.top * scale
  const lines: number[] = []
  const bottom = virtual + place.tall + SPARE_PX
  let first = 0
  if (text.length > 0) {
    first = heights.at(virtual - SPARE_PX)
    for (let line = first, y = heights.offsetOf(first); y < bottom && line < text.length; ) {
      const height = heights.of(line)
      if (height > 0) lines.push(line)
      y += height
      // Folded lines are stepped over together, however many they are.
      const next = heights.of(line + 1) > 0 ? line + 1 : heights.at(y)
      line = next > line ? next : text.length
    }
  }

  // Rows that turn out higher or lower than was guessed: ends when all that are shown are as known.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  useLayoutEffect(() => {
    if (!wrap || !block.current) return
    let shift = 0
    let other = false
    for (const [n, row] of [...block.current.children].entries()) {
      const line = lines[n]
      if (line === undefined || !(row instanceof HTMLElement)) continue
      const more = row.offsetHeight - heights.of(line)
      if (more === 0) continue
      heights.set(line, row.offsetHeight)
      other = true
      if (line < anchor.current.line) shift += more
    }
    if (!other) return
    if (goal.current) aim()
    else if (shift !== 0 && !following) go(last.current.top + shift / now.current.scale)
    // oxlint-disable-next-line react/set-state-in-effect -- only the browser knows heights
    again((n) => n + 1)
  })

  const top = scale === 1 ? heights.offsetOf(first) : place.top + heights.offsetOf(first) - virtual
  // As many as there can be of rows that are not wrapped, so that each line's is the same for as long
  // as it is seen. Wherever lines are folded, or higher than one row, each line has its own.
  const most = Math.ceil((place.tall + 2 * SPARE_PX) / LINE_PX) + 1
  const whole = !wrap && (lines.at(-1) ?? 0) - first === lines.length - 1 && lines.length <= most
  const slots = whole ? lines.map((line) => line % most) : lines
  return { box, block, onScroll, lines, slots, top, height: sheet, show }
}

/** How many characters there is room for in a row, beside its number. */
function columnsOf(box: HTMLElement): number {
  const probe = box.querySelector<HTMLElement>('[data-probe]')
  const wide = (probe?.getBoundingClientRect().width ?? 0) / (probe?.textContent.length || 1)
  const room = box.clientWidth - (probe?.offsetLeft ?? 0)
  return wide > 0 ? Math.max(10, Math.floor(room / wide)) : 120
}

/** Heights of lines that grow with a text; no columns: nothing is wrapped. */
class Guessed extends Heights {
  private range = 0

  constructor(
    private readonly text: LogText,
    private readonly columns: number,
    private readonly hidden: readonly (readonly [number, number])[],
  ) {
    super()
  }

  keepUp(): void {
    // The line that was being written may have become longer.
    if (this.columns > 0 && this.length > 0 && this.of(this.length - 1) > 0) {
      const line = this.length - 1
      this.set(line, Math.max(this.of(line), this.guess(line)))
    }
    while (this.length < this.text.length) this.push(this.guess(this.length))
  }

  private guess(line: number): number {
    while (this.range < this.hidden.length && line >= (this.hidden[this.range]?.[1] ?? 0)) this.range += 1
    const folded = this.hidden[this.range]
    if (folded && line >= folded[0]) return 0
    if (this.columns === 0) return LINE_PX
    const shown = Math.min(this.text.size(line), LONG_LINE)
    return Math.max(1, Math.ceil(shown / this.columns)) * LINE_PX
  }
}
