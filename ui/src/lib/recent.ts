/** What somebody opened lately, in this browser, so that it is found again by a key. */

export interface Opened {
  path: string
  label: string
  /** What it is: a stack, or a run of which. */
  about: string
}

/** As many as fit the palette beside everything else. */
const KEPT = 8

const key = (person: string) => `gantry-opened ${person}`

export function opened(person: string): readonly Opened[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key(person)) ?? '[]')
    return Array.isArray(found) ? found.filter(isOpened).slice(0, KEPT) : []
  } catch {
    return [] // another release wrote it, or the browser keeps nothing
  }
}

/** The newest first, each once. */
export function added(before: readonly Opened[], one: Opened): readonly Opened[] {
  return [one, ...before.filter(({ path }) => path !== one.path)].slice(0, KEPT)
}

export function remember(person: string, one: Opened): void {
  try {
    localStorage.setItem(key(person), JSON.stringify(added(opened(person), one)))
  } catch {
    // A browser that keeps nothing remembers nothing.
  }
}

function isOpened(value: unknown): value is Opened {
  if (typeof value !== 'object' || value === null) return false
  const { path, label, about } = value as Partial<Record<keyof Opened, unknown>>
  // Only addresses of ours: what a browser keeps could have been put there by anybody at it.
  return typeof path === 'string' && /^\/[^/\\]/.test(path) && typeof label === 'string' && typeof about === 'string'
}
