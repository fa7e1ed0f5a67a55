/**
 * What of a log can be folded away: what one command printed, the plan of one resource, and long
 * runs of lines that say the same of different things.
 */

import { plain } from '~/lib/ansi'

import type { LogText } from './text'

export interface Fold {
  /** The line that stays, and that says what is folded. */
  from: number
  /** The line after the last one that goes. */
  until: number
  kind: 'command' | 'resource' | 'alike'
}

/** Fewer lines alike than this are read faster than unfolded. */
const MANY_ALIKE = 12

const COMMAND = /^\[gantry\] \$ /
/** The line above a resource in a plan of Terraform or OpenTofu. */
const RESOURCE = /^ {2}# \S.* (?:will|must|has|is|was) /
/** Addresses and whatever counts are what such lines differ in. */
const VARIES = /^\S+(?=: )|\d+|\[[^\]]*\]/g
/** A line's beginning says what it is. */
const SHAPE_LENGTH = 160

export class Folds {
  private readonly found = new Map<number, Fold>()
  private seen = 0
  private command: Fold | undefined
  private resource: Fold | undefined
  private shape = ''
  private shapeFrom = 0

  constructor(private readonly text: LogText) {}

  /** Looks at the lines that have come since. */
  grow(): void {
    for (; this.seen < this.text.complete; this.seen += 1) {
      this.look(this.seen, plain(this.text.line(this.seen)))
    }
    if (this.command) this.command.until = this.seen
  }

  /** The line of the command that is printing: what belongs to it becomes more. */
  get newestCommand(): number | undefined {
    return this.command?.from
  }

  /** What can be folded at this line. */
  at(line: number): Fold | undefined {
    const fold = this.found.get(line)
    return fold && fold.until - fold.from > 1 ? fold : undefined
  }

  /** All of one kind, or all. */
  all(kind?: Fold['kind']): Fold[] {
    const folds = [...this.found.values()].filter((fold) => fold.until - fold.from > 1)
    return kind ? folds.filter((fold) => fold.kind === kind) : folds
  }

  private look(line: number, words: string): void {
    if (COMMAND.test(words)) {
      if (this.command) this.command.until = line
      this.command = { from: line, until: line + 1, kind: 'command' }
      this.found.set(line, this.command)
      this.resource = undefined
    } else if (RESOURCE.test(words)) {
      this.resource = { from: line, until: line + 1, kind: 'resource' }
      this.found.set(line, this.resource)
    } else if (this.resource) {
      this.resource.until = line + 1
      if (words === '    }' || words === '') this.resource = undefined
    }
    this.alike(line, words)
  }

  private alike(line: number, words: string): void {
    const shape = words.slice(0, SHAPE_LENGTH).replaceAll(VARIES, '*')
    if (shape !== this.shape || shape === '' || this.resource) {
      this.shape = shape
      this.shapeFrom = line
      return
    }
    const so = line - this.shapeFrom + 1
    if (so < MANY_ALIKE) return
    const fold = this.found.get(this.shapeFrom)
    if (!fold) this.found.set(this.shapeFrom, { from: this.shapeFrom, until: line + 1, kind: 'alike' })
    else if (fold.kind === 'alike') fold.until = line + 1
  }
}

/** The lines that are out of sight, given the first lines of what is folded: ascending ranges. */
export function hiddenBy(folds: Folds, folded: ReadonlySet<number>): [from: number, until: number][] {
  const hidden: [number, number][] = []
  for (const line of [...folded].toSorted((a, b) => a - b)) {
    const fold = folds.at(line)
    if (!fold) continue
    const last = hidden.at(-1)
    if (last && fold.until <= last[1]) continue
    hidden.push([Math.max(fold.from + 1, last?.[1] ?? 0), fold.until])
  }
  return hidden
}

/** What has to be unfolded for a line to be seen. */
export function hiding(folds: Folds, folded: ReadonlySet<number>, line: number): number[] {
  return [...folded].filter((from) => {
    const fold = folds.at(from)
    return fold !== undefined && line > fold.from && line < fold.until
  })
}
