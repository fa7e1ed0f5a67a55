import { useEffect } from 'react'
import { useBlocker } from 'react-router'

import { Confirm, Text } from '~/ui'

/** Asks before what was changed and not saved is left behind. */
export function Unsaved({ changed }: { changed: readonly string[] }) {
  const dirty = changed.length > 0
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => dirty && currentLocation.pathname !== nextLocation.pathname,
  )
  useEffect(() => {
    if (!dirty) return
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => window.removeEventListener('beforeunload', ask)
  }, [dirty])
  return (
    <Confirm
      opened={blocker.state === 'blocked'}
      title="Leave without saving?"
      verb="Leave"
      keep="Stay"
      dangerous
      onClose={() => blocker.reset?.()}
      onConfirm={() => blocker.proceed?.()}
    >
      <Text size="sm">Changed and not saved: {changed.join(', ')}.</Text>
    </Confirm>
  )
}
