import { useEffect, useSyncExternalStore } from 'react'

/** Something that can be done on the page one is on; the palette offers it. */
export interface Command {
  /** Its own on the page. */
  id: string
  label: string
  /** Why it cannot be done now. */
  why?: string | undefined
  act: () => void
}

const pages = new Map<symbol, readonly Command[]>()
const watchers = new Set<() => void>()
let all: readonly Command[] = []

function put(page: symbol, commands: readonly Command[]): void {
  if (commands.length > 0) pages.set(page, commands)
  else pages.delete(page)
  all = [...pages.values()].flat()
  for (const watch of watchers) watch()
}

/** Offers commands in the palette for as long as the page is there. */
export function useCommands(commands: readonly Command[]): void {
  useEffect(() => {
    const page = Symbol('page')
    put(page, commands)
    return () => put(page, [])
  }, [commands])
}

function subscribe(watch: () => void): () => void {
  watchers.add(watch)
  return () => void watchers.delete(watch)
}

/** What the page that is open offers. */
export function usePageCommands(): readonly Command[] {
  return useSyncExternalStore(subscribe, () => all)
}
