import { useEffect, useRef } from 'react'
import { useLocation, useNavigationType } from 'react-router'

/**
 * What a browser does by itself when it loads a page: the document has the page's title, it begins
 * at its top, and whoever listens hears the title, because the heading has the focus.
 */
export function useArrival(main: string, account: string): void {
  const { pathname } = useLocation()
  const how = useNavigationType()
  const arriving = useRef(false)
  const before = useRef(pathname)

  useEffect(() => {
    if (before.current === pathname) return
    before.current = pathname
    if (how !== 'POP') window.scrollTo(0, 0)
    const page = document.getElementById(main)
    // Whoever walks through tabs of one page keeps the tab.
    if (!page || isInside(page)) return
    page.focus({ preventScroll: true })
    arriving.current = !hear(page)
  }, [pathname, how, main])

  useEffect(() => {
    const page = document.getElementById(main)
    if (!page) return undefined
    const look = () => {
      const heading = page.querySelector('h1')?.textContent.trim()
      const title = heading ? `${heading} · ${account}` : account
      if (document.title !== title) document.title = title
      if (heading && arriving.current && document.activeElement === page) arriving.current = !hear(page)
    }
    look()
    const watching = new MutationObserver(look)
    watching.observe(page, { childList: true, subtree: true, characterData: true })
    return () => watching.disconnect()
  }, [main, account])
}

/** Answers whether there is a heading to be heard. */
function hear(page: HTMLElement): boolean {
  const heading = page.querySelector('h1')
  if (!heading) return false
  heading.tabIndex = -1
  heading.focus({ preventScroll: true })
  return true
}

function isInside(page: HTMLElement): boolean {
  return document.activeElement !== page && page.contains(document.activeElement)
}
