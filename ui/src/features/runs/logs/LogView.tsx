import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import { useLocation, useNavigate, useSearchParams } from 'react-router'

import { lineAnchor, linesOf } from '~/lib/paths'
import { useTyped } from '~/list/address'
import { Button, Progress, useHotkeys, useLocalStorage } from '~/ui'

import { Folds, hiddenBy, hiding, type Fold } from './folds'
import { useLog, type LogState } from './follow'
import { LinkedLines } from './LinkedLines'
import { LogBar } from './LogBar'
import { LogLines, type LinesHandle } from './LogLines'
import classes from './LogView.module.css'
import { nextHit } from './search'
import { useSearch } from './useSearch'

const SAID: Record<LogState, string> = {
  connecting: 'Loading the log',
  live: 'Live',
  cut: 'The connection was cut. It goes on from here as soon as the server answers.',
  over: 'Complete',
  expired: 'The log is older than logs are kept, and was deleted',
  missing: 'You may not see this log any more',
}

const NONE: ReadonlySet<number> = new Set()

interface LogViewProps {
  run: string
  /** The version of the state whose log it is. */
  version: number
  name: string
  /** The keys that search work from anywhere on the page. */
  main?: boolean
}

/** The log of one phase: live, searchable, every line a link. */
export function LogView({ run, version, name, main = false }: LogViewProps) {
  const { text, state, size, revision } = useLog(run, version)
  const [wrap, setWrap] = useLocalStorage({ key: 'log.wrap', defaultValue: false })
  const [times, setTimes] = useLocalStorage({ key: 'log.times', defaultValue: false })
  const [following, setFollowing] = useState(true)
  const [words, setWords] = useTyped(`find.${version}`)
  const [at, setAt] = useState(-1)
  const [whole, setWhole] = useState(NONE)
  const [folded, setFolded] = useState(NONE)
  const field = useRef<HTMLInputElement>(null)
  const [linked, link] = useLinkedLines(version)

  const folds = useMemo(() => new Folds(text), [text])
  folds.grow()
  const command = folds.newestCommand
  const hidden = useMemo(
    () => hiddenBy(folds, folded),
    // The newest command's lines become more; nothing else that is folded changes.
    // oxlint-disable-next-line react/exhaustive-deps
    [folds, folded, command !== undefined && folded.has(command) ? revision : 0],
  )
  const { hits, done } = useSearch(text, words, text.complete)
  const lines = useRef<LinesHandle>(null)

  const reveal = useCallback(
    (line: number) => {
      const shut = hiding(folds, folded, line)
      if (shut.length > 0) setFolded(new Set([...folded].filter((one) => !shut.includes(one))))
      setFollowing(false)
      lines.current?.show(line)
    },
    [folds, folded],
  )

  // A link to a line goes there once the line has come.
  const sought = useRef<string | undefined>(undefined)
  useEffect(() => {
    const key = linked && lineAnchor(linked.from, linked.until)
    if (!linked || sought.current === key || text.length < linked.from) return
    sought.current = key
    reveal(linked.from - 1)
  }, [linked, revision, text, reveal])

  const onNumber = useCallback(
    (index: number, extend: boolean) => {
      const line = index + 1
      const from = extend && linked ? linked.from : line
      // Whoever clicks a line looks at it already.
      sought.current = lineAnchor(from, line)
      setFollowing(false)
      link(from, line)
    },
    [link, linked],
  )
  const onWhole = useCallback((index: number) => setWhole((now) => new Set(now).add(index)), [])
  const onFold = useCallback((index: number) => {
    setFollowing(false)
    setFolded((now) => {
      const next = new Set(now)
      if (!next.delete(index)) next.add(index)
      return next
    })
  }, [])

  const seek = (forward: boolean) => {
    const line = nextHit(hits, at, forward)
    if (line === undefined) return
    setAt(line)
    reveal(line)
  }
  const search = (next: string) => {
    setWords(next)
    setAt(-1)
  }
  useHotkeys(main ? [['/', () => field.current?.focus()]] : [])

  const onKey = (event: KeyboardEvent) => {
    const find = event.key === 'f' && (event.ctrlKey || event.metaKey)
    if (find || (event.key === '/' && event.target !== field.current)) {
      event.preventDefault()
      field.current?.focus()
      field.current?.select()
    } else if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey) return
    else if (event.key.toLowerCase() === 'n' && words) seek(!event.shiftKey)
    else if (event.key === 'End') setFollowing(true)
    else if (event.key === 'Home') setFollowing(false)
  }

  const growing = state === 'live' || state === 'connecting' || state === 'cut'
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- keys of what is in it
    <section
      className={`${classes.frame} ${wrap ? classes.wrap : ''}`}
      aria-label={`Log: ${name}`}
      onKeyDown={onKey}
    >
      <LogBar
        className={classes.bar ?? ''}
        field={field}
        text={text}
        name={`${run}-${name}`}
        said={SAID[state]}
        growing={growing}
        words={words}
        onWords={search}
        hits={hits.length}
        hit={hits.indexOf(at)}
        searching={!done}
        onSeek={seek}
        wrap={wrap}
        onWrap={setWrap}
        times={times}
        onTimes={setTimes}
        folds={folds.all()}
        folded={folded}
        onFolded={(some: readonly Fold[]) => {
          setFollowing(false)
          setFolded(new Set(some.map((fold) => fold.from)))
        }}
      />
      {size > text.offset && (
        <Progress
          value={(100 * text.offset) / size}
          size={3}
          radius={0}
          aria-label={`Loading the log of ${name}`}
        />
      )}
      {linked && <LinkedLines text={text} lines={linked} onClear={() => link()} />}
      <div className={classes.stage}>
        <LogLines
          handle={lines}
          name={name}
          text={text}
          revision={revision}
          empty={state === 'over' ? 'This phase has printed nothing.' : SAID[state]}
          wrap={wrap}
          times={times}
          linked={linked}
          at={at}
          words={words}
          whole={whole}
          folds={folds}
          folded={folded}
          hidden={hidden}
          following={following}
          // The last lines may still be on their way to the screen when the log is over.
          onScrolled={(atEnd) => setFollowing((was) => atEnd && (was || state !== 'over'))}
          onNumber={onNumber}
          onWhole={onWhole}
          onFold={onFold}
        />
        {growing && !following && text.length > 0 && (
          <Button className={classes.follow ?? ''} size="compact-sm" onClick={() => setFollowing(true)}>
            Follow new lines
          </Button>
        )}
      </div>
    </section>
  )
}

/** The lines of this log that the address names, and how to name others. */
function useLinkedLines(version: number) {
  const { hash } = useLocation()
  const [params] = useSearchParams()
  const go = useNavigate()
  const mine = params.get('log') === String(version)
  const linked = useMemo(() => (mine ? linesOf(hash) : undefined), [mine, hash])
  const link = useCallback(
    (from?: number, until?: number) => {
      const search = new URLSearchParams(window.location.search)
      search.set('log', String(version))
      const anchor = from === undefined ? '' : `#${lineAnchor(from, until)}`
      void go({ search: `?${search}`, hash: anchor }, { replace: true, preventScrollReset: true })
    },
    [go, version],
  )
  return [linked, link] as const
}
