import { describe, expect, it } from 'vitest'

import { Folds, hiddenBy, hiding } from './folds'
import { LogText } from './text'

function logOf(...lines: string[]): [LogText, Folds] {
  const text = new LogText()
  add(text, ...lines)
  const folds = new Folds(text)
  folds.grow()
  return [text, folds]
}

function add(text: LogText, ...lines: string[]): void {
  const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))
  text.take(text.offset, bytes, [[text.offset, 1]])
}

const brief = (folds: Folds) => folds.all().map((one) => [one.kind, one.from, one.until])

describe('what can be folded', () => {
  it('is what each command printed, up to the next', () => {
    const [, folds] = logOf(
      'before',
      '\u001b[36m[gantry]\u001b[0m $ terraform init',
      'a',
      'b',
      '\u001b[36m[gantry]\u001b[0m $ terraform plan',
      'c',
    )
    expect(brief(folds)).toEqual([
      ['command', 1, 4],
      ['command', 4, 6],
    ])
  })

  it('grows with what the newest command prints', () => {
    const [text, folds] = logOf('[gantry] $ plan')
    expect(brief(folds)).toEqual([])
    add(text, 'a', 'b')
    folds.grow()
    expect(brief(folds)).toEqual([['command', 0, 3]])
  })

  it('is the plan of each resource', () => {
    const [, folds] = logOf(
      '\u001b[1m  # null_resource.a\u001b[0m will be created',
      '  + resource "null_resource" "a" {',
      '      + id = (known after apply)',
      '    }',
      '',
      '  # null_resource.b[0] must be replaced',
      '-/+ resource "null_resource" "b" {',
      '    }',
    )
    expect(brief(folds)).toEqual([
      ['resource', 0, 4],
      ['resource', 5, 8],
    ])
  })

  it('is a long run of lines that differ in names and numbers alone', () => {
    const lines = Array.from({ length: 20 }, (_, n) => `aws_x.y["${n}"]: Refreshing state... [id=${n}]`)
    const [, folds] = logOf('first', ...lines, 'last')
    expect(brief(folds)).toEqual([['alike', 1, 21]])
    expect(brief(logOf(...lines.slice(0, 11))[1])).toEqual([])
  })

  it('is no run of empty lines', () => {
    expect(brief(logOf(...Array.from({ length: 50 }, () => ''))[1])).toEqual([])
  })
})

describe('what is folded', () => {
  const lines = Array.from({ length: 20 }, (_, n) => `x.y: Still creating... [${n}s elapsed]`)
  const [, folds] = logOf('[gantry] $ apply', 'begins', ...lines, 'ends')

  it('is out of sight but for its first line', () => {
    expect(hiddenBy(folds, new Set([2]))).toEqual([[3, 22]])
    expect(hiddenBy(folds, new Set([2, 0]))).toEqual([[1, 23]])
    expect(hiddenBy(folds, new Set([1]))).toEqual([])
  })

  it('has to be unfolded for a line in it to be seen', () => {
    expect(hiding(folds, new Set([0, 2]), 5)).toEqual([0, 2])
    expect(hiding(folds, new Set([0, 2]), 2)).toEqual([0])
    expect(hiding(folds, new Set([0, 2]), 0)).toEqual([])
  })
})
