import { useImperativeHandle, type Ref } from 'react'

import { Box, Text } from '~/ui'

import type { Folds } from './folds'
import { Line } from './Line'
import classes from './LogView.module.css'
import type { LogText } from './text'
import { useRows } from './useRows'

export interface LinesHandle {
  /** Scrolls to a line. */
  show: (line: number, align?: 'start' | 'center') => void
}

interface LogLinesProps {
  handle: Ref<LinesHandle>
  name: string
  text: LogText
  revision: number
  /** What stands where no line has come. */
  empty: string
  wrap: boolean
  times: boolean
  linked: { from: number; until: number } | undefined
  /** The line of the hit that is looked at. */
  at: number
  words: string
  whole: ReadonlySet<number>
  folds: Folds
  folded: ReadonlySet<number>
  hidden: readonly (readonly [from: number, until: number])[]
  following: boolean
  onScrolled: (atEnd: boolean) => void
  onNumber: (index: number, extend: boolean) => void
  onWhole: (index: number) => void
  onFold: (index: number) => void
}

/**
 * The lines that are seen of a log, and what scrolls them. By itself, because scrolling renders it
 * with every frame, and nothing else of the log's view.
 */
export function LogLines(props: LogLinesProps) {
  const { text, times, wrap, linked, folds, folded } = props
  const { box, block, onScroll, lines, slots, top, height, show } = useRows(props)
  useImperativeHandle(props.handle, () => ({ show }), [show])
  return (
    <div
      ref={box}
      className={classes.scroll}
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, also by keyboard
      tabIndex={0}
      role="region"
      aria-label={`Lines: ${props.name}`}
      onScroll={onScroll}
    >
      {text.length === 0 && (
        <Box p="md">
          <Text size="sm" c="dimmed">
            {props.empty}
          </Text>
        </Box>
      )}
      <div
        className={classes.sheet}
        style={{ height: height, ...(!wrap && { width: `calc(${text.widest}ch + 18ch)` }) }}
      >
        <div ref={block} className={classes.block} style={{ transform: `translateY(${top}px)` }}>
          {lines.map((index, n) => {
            const fold = folds.at(index)
            return (
              <Line
                key={slots[n]}
                index={index}
                text={text.line(index)}
                look={text.lookAt(index)}
                time={text.time(index)}
                times={times}
                linked={!!linked && index + 1 >= linked.from && index + 1 <= linked.until}
                current={index === props.at}
                words={props.words}
                whole={props.whole.has(index)}
                folds={fold && fold.until - fold.from - 1}
                folded={folded.has(index)}
                onNumber={props.onNumber}
                onWhole={props.onWhole}
                onFold={props.onFold}
              />
            )
          })}
        </div>
        <Probe times={times} />
      </div>
    </div>
  )
}

/** As wide as the beginning of a line, and a text whose width tells that of a character. */
function Probe({ times }: { times: boolean }) {
  return (
    <div className={`${classes.line} ${classes.probe}`} aria-hidden>
      <span className={classes.number}>0</span>
      <span className={classes.fold} />
      {times && <span className={classes.time}>{'00:00:00.000'}</span>}
      <span data-probe>{'0'.repeat(50)}</span>
    </div>
  )
}
