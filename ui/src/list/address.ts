import { useCallback, useEffect, useState } from 'react'
import { useNavigate, useSearchParams } from 'react-router'

import { useDebouncedValue } from '~/ui'

/** Milliseconds of not typing after which the address has the words: browsers let it change seldom. */
const SETTLED = 250

/**
 * One thing of how a page is looked at, kept in the address, so that it can be sent to somebody.
 * Going back leaves the page, and not each of its changes.
 */
export function useInAddress(name: string): readonly [value: string, keep: (value: string) => void] {
  const [params] = useSearchParams()
  const go = useNavigate()
  const keep = useCallback(
    (value: string) => {
      const search = new URLSearchParams(window.location.search)
      if (value) search.set(name, value)
      else search.delete(name)
      // What stands behind the # names lines of logs, and stays.
      void go({ search: `?${search}`, hash: window.location.hash }, { replace: true, preventScrollReset: true })
    },
    [go, name],
  )
  return [params.get(name) ?? '', keep]
}

/** The same for words while they are typed: what is typed at once, and what the address has. */
export function useTyped(name: string): readonly [text: string, type: (text: string) => void, settled: string] {
  const [kept, keep] = useInAddress(name)
  const [text, setText] = useState(kept)
  const [settled] = useDebouncedValue(text, SETTLED)
  useEffect(() => {
    if (settled !== kept) keep(settled)
    // Only what was typed changes the address; what the address says comes in by the next effect.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [settled])
  useEffect(() => setText(kept), [kept])
  return [text, setText, kept]
}
