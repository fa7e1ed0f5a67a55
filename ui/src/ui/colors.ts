import type { CSSVariablesResolver } from '@mantine/core'

/**
 * Mantine's colours with the contrast that text needs, 4.5 to 1: its own have 3.3 for grey on white
 * and for white on red, and less for coloured words on their tint.
 */
const WORDS = {
  red: '#a51d1d',
  orange: '#963505',
  yellow: '#734600',
  green: '#1b5e2d',
  teal: '#066046',
  blue: '#155596',
  gray: '#495057',
  gantry: '#085564',
} as const

/** Behind white words, in both themes. */
const FILLED = {
  red: ['#d32f2f', '#b92828'],
  blue: ['#1971c2', '#1864ab'],
  gray: ['#5c636a', '#495057'],
} as const

const filled = Object.fromEntries(
  Object.entries(FILLED).flatMap(([color, [plain, hover]]) => [
    [`--mantine-color-${color}-filled`, plain],
    [`--mantine-color-${color}-filled-hover`, hover],
  ]),
)

const words = Object.fromEntries(
  Object.entries(WORDS).flatMap(([color, word]) => [
    [`--mantine-color-${color}-text`, word],
    [`--mantine-color-${color}-light-color`, word],
    [`--mantine-color-${color}-outline`, word],
  ]),
)

/** In the dark a tint is a breath of its colour: at night, nothing but danger shall be loud. */
const tints = Object.fromEntries(
  Object.keys(WORDS).flatMap((color) => [
    [`--mantine-color-${color}-light`, `color-mix(in srgb, var(--mantine-color-${color}-5) 16%, transparent)`],
    [`--mantine-color-${color}-light-hover`, `color-mix(in srgb, var(--mantine-color-${color}-5) 22%, transparent)`],
    [`--mantine-color-${color}-light-color`, `var(--mantine-color-${color}-3)`],
  ]),
)

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...filled,
    ...words,
    '--mantine-color-dimmed': WORDS.gray,
    '--mantine-color-error': WORDS.red,
    '--mantine-color-placeholder': '#6c757d',
  },
  dark: {
    ...filled,
    ...tints,
    '--mantine-color-dimmed': '#a6a6a6',
    '--mantine-color-error': '#ff8787',
  },
})
