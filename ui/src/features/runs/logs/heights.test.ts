import { describe, expect, it } from 'vitest'

import { Heights } from './heights'

function of(...all: number[]): Heights {
  const heights = new Heights()
  for (const one of all) heights.push(one)
  return heights
}

describe('heights of rows', () => {
  it('say where each row begins', () => {
    const heights = of(10, 20, 30, 40, 50)
    expect([0, 1, 2, 3, 4, 5].map((n) => heights.offsetOf(n))).toEqual([0, 10, 30, 60, 100, 150])
    expect(heights.total).toBe(150)
  })

  it('find the row at a place, and stay within the rows', () => {
    const heights = of(10, 20, 30)
    expect([-5, 0, 9, 10, 29, 30, 59, 60, 1000].map((place) => heights.at(place))).toEqual([
      0, 0, 0, 1, 1, 2, 2, 2, 2,
    ])
  })

  it('pass over rows without height', () => {
    const heights = of(10, 0, 0, 0, 10, 0, 10)
    expect([9, 10, 19, 20].map((place) => heights.at(place))).toEqual([0, 4, 4, 6])
  })

  it('change in the middle', () => {
    const heights = of(10, 10, 10, 10)
    heights.set(1, 35)
    heights.set(3, 0)
    heights.set(9, 5)
    expect([0, 1, 2, 3, 4].map((n) => heights.offsetOf(n))).toEqual([0, 10, 45, 55, 55])
    expect(heights.of(1)).toBe(35)
  })

  it('are right for many, however they grow and change', () => {
    const heights = new Heights()
    const plain: number[] = []
    for (let n = 0; n < 5_000; n += 1) {
      heights.push(n % 7)
      plain.push(n % 7)
    }
    for (let n = 0; n < 5_000; n += 13) {
      heights.set(n, n % 5)
      plain[n] = n % 5
    }
    let sum = 0
    for (const [n, one] of plain.entries()) {
      expect(heights.offsetOf(n)).toBe(sum)
      if (one > 0) expect(heights.at(sum)).toBe(n)
      sum += one
    }
  })

  it('have no row when there is none', () => {
    expect(of().at(10)).toBe(0)
    expect(of().total).toBe(0)
  })
})
