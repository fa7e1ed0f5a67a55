import { useEffect, useMemo, useState } from 'react'

import { Search } from './search'
import type { LogText } from './text'

/** How long one turn of searching may keep the page from doing anything else. */
const TURN_MS = 8

interface Found {
  hits: readonly number[]
  /** Whether it has been through the whole log. */
  done: boolean
}

/** The lines that hold the words among those that are complete, as they are found. */
export function useSearch(text: LogText, words: string, complete: number): Found {
  const search = useMemo(() => new Search(text, words), [text, words])
  const [, again] = useState(0)

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const turn = () => {
      const began = performance.now()
      search.go(() => performance.now() - began > TURN_MS)
      again((n) => n + 1)
      if (!search.done) timer = setTimeout(turn)
    }
    if (complete > 0 && !search.done) timer = setTimeout(turn)
    return () => clearTimeout(timer)
  }, [search, complete])

  return { hits: search.found, done: search.done }
}
