import { to } from '~/lib/paths'

/** Where to go on: a path of ours, whatever somebody has put into the link. */
export function ownAddress(next: string | null): string {
  if (!next) return to.home()
  try {
    const target = new URL(next, window.location.origin)
    const ours = target.origin === window.location.origin && !target.pathname.startsWith('//')
    return ours ? target.pathname + target.search + target.hash : to.home()
  } catch {
    return to.home()
  }
}
