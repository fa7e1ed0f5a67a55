import { describe, expect, it } from 'vitest'

import { counted, deedOf, fitting, summary, type Change } from './changes'

const change = (address: string, type: string, previousAddress: string | null = null): Change => ({
  address,
  previousAddress,
  metadata: { type, resourceType: address.split('.').at(-2) ?? '', before: null, after: null },
})

const PLAN = [
  change('aws_vpc.main', 'change'),
  change('module.network.aws_subnet.a', 'add'),
  change('module.network.aws_subnet.b', 'delete'),
  change('aws_vpc.new', 'move', 'aws_vpc.old'),
]
const ANY = { text: '', types: [], deeds: [] }
const addresses = (all: Change[]) => all.map((one) => one.address)

describe('the changes of a plan', () => {
  it('are found by address, old or new, type and deed', () => {
    expect(fitting(PLAN, ANY)).toEqual(PLAN)
    expect(addresses(fitting(PLAN, { ...ANY, text: ' Network ' }))).toEqual([
      'module.network.aws_subnet.a',
      'module.network.aws_subnet.b',
    ])
    expect(addresses(fitting(PLAN, { ...ANY, text: 'vpc.old' }))).toEqual(['aws_vpc.new'])
    expect(addresses(fitting(PLAN, { text: 'a', types: ['aws_subnet'], deeds: ['delete', 'move'] }))).toEqual([
      'module.network.aws_subnet.b',
    ])
  })

  it('are counted, what is lost first', () => {
    expect(counted(PLAN)).toEqual([
      { deed: 'delete', count: 1 },
      { deed: 'change', count: 1 },
      { deed: 'add', count: 1 },
      { deed: 'move', count: 1 },
    ])
    expect(summary(PLAN.slice(0, 2))).toBe('1 to change, 1 to add')
    expect(summary([])).toBe('')
  })

  it('have the same words, whatever a tool calls them', () => {
    expect(['create', 'UPDATE', 'destroy', 'replace', 'other'].map(deedOf)).toEqual([
      'add',
      'change',
      'delete',
      'replace',
      'change',
    ])
  })
})
