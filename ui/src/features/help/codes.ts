// Written by `make docs` from the code and tools/reference/errors.toml, as docs/reference/errors.md is.
import listed from './errors.json'

export interface ErrorCode {
  code: string
  status: number
  meanings: string[]
  remedy: string
}

export const CODES: readonly ErrorCode[] = listed

/** Codes whose letters or words have all of what was typed. */
export function matching(text: string): readonly ErrorCode[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return CODES.filter((one) => {
    const all = [one.code, one.code.replaceAll('_', ' '), ...one.meanings, one.remedy].join(' ').toLowerCase()
    return words.every((word) => all.includes(word))
  })
}
