import { describe, expect, it } from 'vitest'

import { commandOf, offered, type Choice, type Run } from './decisions'

const ALL = ['CONFIRM', 'DISCARD', 'CANCEL', 'STOP', 'KILL', 'REVIEW', 'RETRY', 'PROMOTE', 'PRIORITIZE'] as const

function run(state: Run['state'], possible: readonly Choice['decision'][], more: Partial<Run> = {}): Run {
  const choices = ALL.map((decision) => {
    const may = possible.includes(decision)
    return { decision, possible: may, refusal: may ? null : 'it is not possible', code: null }
  })
  return {
    id: '01',
    type: 'TRACKED',
    state,
    finished: false,
    priority: 0,
    targets: [],
    choices,
    delta: null,
    condition: null,
    history: [],
    ...more,
  } as Run
}

describe('what the palette offers for a run', () => {
  it('is what stands in front, and of the others what is possible', () => {
    expect(offered(run('UNCONFIRMED', ['CONFIRM', 'DISCARD', 'STOP']))).toEqual(['confirm', 'discard', 'stop'])
  })

  it('also is what stands in front and is not possible, so that it can say why', () => {
    expect(offered(run('UNCONFIRMED', []))).toEqual(['confirm', 'discard'])
  })

  it('puts a run that waits before others, or takes that back', () => {
    const waits = run('READY', ['CANCEL', 'PRIORITIZE'])
    expect(offered(waits)).toEqual(['cancel', 'prioritize'])
    expect(commandOf('prioritize', waits)).toBe('Prioritize this run')
    expect(commandOf('prioritize', { ...waits, priority: 1 })).toBe('Take the priority away from this run')
  })

  it('lets what has ended be begun again', () => {
    expect(offered(run('FAILED', ['RETRY'], { finished: true }))).toEqual(['retry'])
  })
})
