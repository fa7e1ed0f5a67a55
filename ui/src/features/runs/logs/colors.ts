import type { CSSProperties } from 'react'

import type { Color, Look } from '~/lib/ansi'
import { readable } from '~/lib/contrast'

/** The pages that logs are shown on, as the style has them. */
const LIGHT = '#fbfcfd'
const DARK = '#16191d'

/** A look as styles. Whatever colours a program chose, its words can be read in both themes. */
export function styleOf(look: Look): CSSProperties | undefined {
  const { color, background, inverse } = look
  if (!color && !background && !inverse) return undefined
  if (inverse) {
    // What was the paper is the ink: the page's own, or the colour that was chosen for it.
    return { backgroundColor: color ? ink(color) : 'var(--log-ink)', color: 'var(--log-paper)' }
  }
  if (background) return { ...paper(background), ...(color && inkOn(color, background)) }
  return color && { color: ink(color) }
}

function ink(color: Color): string {
  if ('name' in color) return `var(--ansi-${color.name})`
  return `light-dark(${readable(color.rgb, LIGHT)}, ${readable(color.rgb, DARK)})`
}

function paper(color: Color): CSSProperties {
  if ('name' in color) return { backgroundColor: `var(--ansi-on-${color.name % 8})` }
  return { backgroundColor: color.rgb, color: readable('#000000', color.rgb) }
}

function inkOn(color: Color, background: Color): CSSProperties {
  if ('name' in background) return { color: ink(color) }
  // The sixteen named colours are the theme's; on a fixed paper they take their usual values.
  return { color: readable('name' in color ? (USUAL[color.name] ?? '#000000') : color.rgb, background.rgb) }
}

const USUAL = [
  '#000000', '#cd0000', '#00cd00', '#cdcd00', '#0000ee', '#cd00cd', '#00cdcd', '#e5e5e5',
  '#7f7f7f', '#ff0000', '#00ff00', '#ffff00', '#5c5cff', '#ff00ff', '#00ffff', '#ffffff',
] as const
