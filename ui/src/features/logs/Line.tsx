import { memo } from 'react'

import { clock } from '~/lib/time'
import { stretches, type Color, type Look } from '~/lib/ansi'

import classes from './LogView.module.css'
import { LONG_LINE } from './text'

interface LineProps {
  index: number
  text: string
  time: number | undefined
  times: boolean
  marked: boolean
  hit: boolean
  whole: boolean
  onNumber: (index: number, extend: boolean) => void
  onWhole: (index: number) => void
}

/** One line of a log. Its number is a link to it. */
export const Line = memo(function Line(props: LineProps) {
  const { index, text, whole } = props
  const long = text.length > LONG_LINE && !whole
  const { parts } = stretches(long ? text.slice(0, LONG_LINE) : text)
  const name = [classes.line, props.marked && classes.marked, props.hit && classes.hit]
  return (
    <div className={name.filter(Boolean).join(' ')}>
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
      {props.times && (
        <span className={classes.time}>{props.time === undefined ? '' : clock(props.time)}</span>
      )}
      <span className={classes.text}>
        {parts.map((part, n) => (
          // oxlint-disable-next-line react/no-array-index-key -- stretches have nothing else
          <span key={n} className={classOf(part.look)} style={styleOf(part.look)}>
            {part.text}
          </span>
        ))}
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
    look.inverse && classes.inverse,
  ].filter(Boolean)
  return names.length > 0 ? names.join(' ') : undefined
}

function styleOf(look: Look) {
  if (!look.color && !look.background) return undefined
  return {
    ...(look.color && { color: valueOf(look.color) }),
    ...(look.background && { background: valueOf(look.background) }),
  }
}

/** The sixteen named colours belong to the theme: each has enough contrast in light and dark. */
function valueOf(color: Color): string {
  return 'rgb' in color ? color.rgb : `var(--ansi-${color.name})`
}
