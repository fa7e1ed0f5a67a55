import { describe, expect, it } from 'vitest'

import { lookAfter, plain, PLAIN, stretches } from './ansi'

const ESC = '\u001b'
const parts = (line: string) => stretches(line).parts

describe('stretches of a line', () => {
  it('leaves text without sequences alone', () => {
    expect(parts('Plan: 1 to add')).toEqual([{ text: 'Plan: 1 to add', look: {} }])
  })

  it('has no stretch for an empty line', () => {
    expect(parts('')).toEqual([])
  })

  it('colours what stands between a colour and its reset', () => {
    expect(parts(`a ${ESC}[32m+${ESC}[0m b`)).toEqual([
      { text: 'a ', look: {} },
      { text: '+', look: { color: { name: 2 } } },
      { text: ' b', look: {} },
    ])
  })

  it('takes several attributes of one sequence', () => {
    expect(parts(`${ESC}[1;4;91mError`)).toEqual([
      { text: 'Error', look: { bold: true, underline: true, color: { name: 9 } } },
    ])
  })

  it('knows the 256 colours and true colours, with semicolons and colons', () => {
    expect(parts(`${ESC}[38;5;196mx`)[0]?.look).toEqual({ color: { rgb: '#ff0000' } })
    expect(parts(`${ESC}[38;5;3mx`)[0]?.look).toEqual({ color: { name: 3 } })
    expect(parts(`${ESC}[48;2;1;2;255mx`)[0]?.look).toEqual({ background: { rgb: '#0102ff' } })
    expect(parts(`${ESC}[38:5:255mx`)[0]?.look).toEqual({ color: { rgb: '#eeeeee' } })
    expect(parts(`${ESC}[38:2:1:2:3;1mx`)[0]?.look).toEqual({ bold: true, color: { rgb: '#010203' } })
    expect(parts(`${ESC}[38:2::1:2:3mx`)[0]?.look).toEqual({ color: { rgb: '#010203' } })
  })

  it('takes the shape of an underline for no other attribute', () => {
    expect(parts(`${ESC}[4:3mx`)[0]?.look).toEqual({ underline: true })
    expect(parts(`${ESC}[4:3m${ESC}[4:0mx`)[0]?.look).toEqual({})
  })

  it('takes attributes back one by one', () => {
    const { parts: found } = stretches(`${ESC}[1;31mred ${ESC}[22mthin ${ESC}[39mplain`)
    expect(found.map((part) => part.look)).toEqual([
      { bold: true, color: { name: 1 } },
      { color: { name: 1 } },
      {},
    ])
  })

  it('hands the look on to the next line', () => {
    const first = stretches(`${ESC}[33mwarning`)
    expect(stretches('goes on', first.look).parts[0]?.look).toEqual({ color: { name: 3 } })
  })

  it.each(['plain', `${ESC}[33mwarning`, `${ESC}[1mbold${ESC}[0m`, `${ESC}[0m${ESC}[32m`, `${ESC}[m`, `${ESC}[2K`])(
    'knows the look after a line without splitting it: %j',
    (line) => {
      for (const look of [PLAIN, { bold: true } as const]) {
        expect(lookAfter(line, look)).toEqual(stretches(line, look).look)
      }
    },
  )

  it('begins anew at a reset', () => {
    expect(stretches(`${ESC}[1;31mred${ESC}[0m`).look).toBe(PLAIN)
  })

  it('leaves out what moves the cursor, titles, and sequences that are cut off', () => {
    expect(plain(`${ESC}[2K${ESC}[1Aa${ESC}]0;title\u0007b${ESC}[`)).toBe('ab[')
    expect(plain(`${ESC}]8;;http://x${ESC}\\link${ESC}]8;;${ESC}\\`)).toBe('link')
    expect(plain('bell\u0007 and null\u0000')).toBe('bell and null')
  })

  it('shows the last of what a carriage return overwrote, with its colours', () => {
    expect(parts(`${ESC}[32m10%\r50%\r100%\r`)).toEqual([
      { text: '100%', look: { color: { name: 2 } } },
    ])
  })

  it('passes over colours that do not exist', () => {
    expect(parts(`${ESC}[38;5;999mx`)[0]?.look).toEqual({})
    expect(parts(`${ESC}[38;2;300;0;0mx`)[0]?.look).toEqual({})
    expect(parts(`${ESC}[38mx`)[0]?.look).toEqual({})
  })
})
