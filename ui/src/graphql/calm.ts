import { useCallback, useEffect, useRef } from 'react'

/**
 * The same function, called at most once in so many milliseconds: at once when nothing was for
 * that long, else when the time is over. For looks at what moves all the time.
 */
export function useCalm(act: () => void, milliseconds: number): () => void {
  const latest = useRef(act)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const acted = useRef(-Infinity)
  useEffect(() => {
    latest.current = act
  })
  useEffect(() => () => clearTimeout(timer.current), [])
  return useCallback(() => {
    if (timer.current !== undefined) return
    const pause = Math.max(0, acted.current + milliseconds - performance.now())
    timer.current = setTimeout(() => {
      timer.current = undefined
      acted.current = performance.now()
      latest.current()
    }, pause)
  }, [milliseconds])
}
