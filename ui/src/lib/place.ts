/** The stack, and the run, whose page is open. */
export function placeOf(pathname: string): { stack: string; run: string | undefined } | undefined {
  const found = /^\/stack\/([^/]+)(?:\/run\/([^/]+))?(?:\/|$)/.exec(pathname)
  if (!found?.[1]) return undefined
  return {
    stack: decodeURIComponent(found[1]),
    run: found[2] === undefined ? undefined : decodeURIComponent(found[2]),
  }
}
