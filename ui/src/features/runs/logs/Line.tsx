import { memo } from 'react'

import { stretches, type Look } from '~/lib/ansi'
import { clock, exact } from '~/lib/time'

import { styleOf } from './colors'
import classes from './LogView.module.css'
import { marked } from './search'
import { LONG_LINE } from './text'

interface LineProps {
  index: number
  text: string
  /** What colours and so on are on already. */
  look: Look
  time: number | undefined
  times: boolean
  /** Within the lines that the address names. */
  linked: boolean
  /** The hit that is looked at. */
  current: boolean
  words: string
  whole: boolean
  /** How many lines are folded under this one, or could be. */
  folds: number | undefined
  folded: boolean
  onNumber: (index: number, extend: boolean) => void
  onWhole: (index: number) => void
  onFold: (index: number) => void
}

/** One line of a log. Its number is a link to it. */
export const Line = memo(function Line(props: LineProps) {
  const { index, text, whole, folds, folded } = props
  const long = text.length > LONG_LINE && !whole
  const { parts } = stretches(long ? text.slice(0, LONG_LINE) : text, props.look)
  const name = [classes.line, props.linked && classes.linked, props.current && classes.current]
  return (
    <div className={name.filter(Boolean).join(' ')} data-line={index + 1}>
      <a
        className={classes.number}
        href={`#L${index + 1}`}
        aria-label={`Line ${index + 1}`}
        onClick={(event) => {
          event.preventDefault()
          props.onNumber(index, event.shiftKey)
        }}
      >
        {index + 1}
      </a>
      {folds === undefined ? (
        <span className={classes.fold} />
      ) : (
        <button
          type="button"
          className={classes.fold}
          aria-expanded={!folded}
          aria-label={folded ? `Unfold ${folds} lines` : `Fold ${folds} lines`}
          onClick={() => props.onFold(index)}
        >
          {folded ? '▸' : '▾'}
        </button>
      )}
      {props.times && (
        <span className={classes.time} title={props.time ? exact(Math.floor(props.time / 1000)) : undefined}>
          {props.time ? clock(props.time) : ''}
        </span>
      )}
      <span className={classes.text}>
        {marked(parts, props.words).map((part, n) => {
          const [looks, style] = [classOf(part.look), styleOf(part.look)]
          if (part.hit) {
            return (
              // oxlint-disable-next-line react/no-array-index-key -- stretches have nothing else
              <mark key={n} className={looks}>
                {part.text}
              </mark>
            )
          }
          // Most of most logs is plain: an element for each would be half of all elements.
          if (!looks && !style) return part.text
          return (
            // oxlint-disable-next-line react/no-array-index-key -- stretches have nothing else
            <span key={n} className={looks} style={style}>
              {part.text}
            </span>
          )
        })}
        {folded && folds !== undefined && (
          <button type="button" className={classes.more} onClick={() => props.onFold(index)}>
            … {folds.toLocaleString()} lines folded
          </button>
        )}
        {long && (
          <button type="button" className={classes.more} onClick={() => props.onWhole(index)}>
            … {(text.length - LONG_LINE).toLocaleString()} more characters
          </button>
        )}
      </span>
    </div>
  )
})

function classOf(look: Look): string | undefined {
  const names = [
    look.bold && classes.bold,
    look.dim && classes.dim,
    look.italic && classes.italic,
    look.underline && classes.underline,
    look.strike && classes.strike,
  ].filter(Boolean)
  return names.length > 0 ? names.join(' ') : undefined
}
