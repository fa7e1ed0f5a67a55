import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import { useLocation, useNavigate } from 'react-router'

import { lineAnchor, linesOf } from '~/lib/paths'
import { Box, Text, useLocalStorage } from '~/ui'

import { useLog, type LogState } from './follow'
import { Line } from './Line'
import { LogBar } from './LogBar'
import classes from './LogView.module.css'
import { hits, nextHit } from './search'

/** The height of a line that is not wrapped, as the style has it. */
const LINE_PX = 19
/** Lines kept ready above and below what is seen. */
const SPARE = 24
/** Whoever is this near the end wants to stay there. */
const NEAR_END_PX = 40

const SAID: Record<LogState, string> = {
  connecting: 'Loading the log',
  live: 'Live: new lines appear as they are written',
  cut: 'The connection was cut; it goes on from here as soon as the server answers',
  over: 'Complete',
  expired: 'The log is older than logs are kept, and was deleted',
  missing: 'You may not see this log any more',
}

/** The log of one phase: live, searchable, every line a link. */
export function LogView({ run, version, name }: { run: string; version: number; name: string }) {
  const { text, state, revision } = useLog(run, version)
  const [wrap, setWrap] = useLocalStorage({ key: 'log.wrap', defaultValue: false })
  const [times, setTimes] = useLocalStorage({ key: 'log.times', defaultValue: false })
  const [following, setFollowing] = useState(true)
  const [words, setWords] = useState('')
  const [at, setAt] = useState(-1)
  const [whole, setWhole] = useState<ReadonlySet<number>>(new Set())
  const scroll = useRef<HTMLDivElement>(null)
  const { hash } = useLocation()
  const go = useNavigate()
  const marked = useMemo(() => linesOf(hash), [hash])

  const found = useMemo(
    () => hits(text, words),
    // The text grows in place; its revision says when.
    // oxlint-disable-next-line react/exhaustive-deps
    [text, words, revision],
  )
  const foundSet = useMemo(() => new Set(found), [found])

  const rows = useVirtualizer({
    count: text.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => LINE_PX,
    overscan: SPARE,
  })

  useEffect(() => {
    rows.measure()
  }, [wrap, times, rows])

  useEffect(() => {
    if (following && text.length > 0) rows.scrollToIndex(text.length - 1, { align: 'end' })
  }, [following, revision, rows, text])

  // A link to a line goes there once the line has come.
  const sought = useRef<string>('')
  useEffect(() => {
    if (!marked || sought.current === hash || text.length < marked.from) return
    sought.current = hash
    setFollowing(false)
    rows.scrollToIndex(marked.from - 1, { align: 'center' })
  }, [marked, hash, revision, rows, text])

  const onNumber = useCallback(
    (index: number, extend: boolean) => {
      const line = index + 1
      const from = extend && marked ? marked.from : line
      const anchor = `#${lineAnchor(from, line)}`
      sought.current = anchor
      setFollowing(false)
      void go({ search: window.location.search, hash: anchor }, { replace: true, preventScrollReset: true })
    },
    [go, marked],
  )
  const onWhole = useCallback((index: number) => setWhole((now) => new Set(now).add(index)), [])

  const seek = (forward: boolean) => {
    const line = nextHit(found, at, forward)
    if (line === undefined) return
    setAt(line)
    setFollowing(false)
    rows.scrollToIndex(line, { align: 'center' })
  }

  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'End') setFollowing(true)
    if (event.key === 'Home') {
      setFollowing(false)
      rows.scrollToIndex(0)
    }
  }

  return (
    <section className={`${classes.frame} ${wrap ? classes.wrap : ''}`} aria-label={`Log: ${name}`}>
      <LogBar
        className={classes.bar ?? ''}
        text={text}
        name={`${run}-${name}`}
        said={SAID[state]}
        growing={state === 'live' || state === 'connecting'}
        words={words}
        onWords={(next) => {
          setWords(next)
          setAt(-1)
        }}
        hits={found.length}
        hit={found.indexOf(at)}
        onSeek={seek}
        following={following}
        onFollow={setFollowing}
        wrap={wrap}
        onWrap={setWrap}
        times={times}
        onTimes={setTimes}
      />
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- keys and wheel scroll it */}
      <div
        ref={scroll}
        className={classes.scroll}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, also by keyboard
        tabIndex={0}
        role="region"
        aria-label={`Lines: ${name}`}
        onKeyDown={onKey}
        onWheel={(event) => {
          if (event.deltaY < 0) setFollowing(false)
        }}
        onScroll={(event) => {
          const box = event.currentTarget
          const left = box.scrollHeight - box.scrollTop - box.clientHeight
          if (!following && left < NEAR_END_PX && state === 'live') setFollowing(true)
        }}
      >
        {text.length === 0 ? (
          <Box p="md">
            <Text size="sm" c="dimmed">
              {state === 'over' ? 'This phase has printed nothing.' : SAID[state]}
            </Text>
          </Box>
        ) : (
          <div className={classes.sheet} style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map((row) => (
              <div
                key={row.key}
                data-index={row.index}
                ref={rows.measureElement}
                className={classes.row}
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <Line
                  index={row.index}
                  text={text.line(row.index)}
                  time={text.time(row.index)}
                  times={times}
                  marked={!!marked && row.index + 1 >= marked.from && row.index + 1 <= marked.until}
                  hit={foundSet.has(row.index)}
                  whole={whole.has(row.index)}
                  onNumber={onNumber}
                  onWhole={onWhole}
                />
              </div>
            ))}
          </div>
        )}
      </div>
    </section>
  )
}
