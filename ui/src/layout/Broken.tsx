import { Link, useRouteError } from 'react-router'

import { to } from '~/lib/paths'
import { Anchor, Box, Empty, Trouble } from '~/ui'

/** A page that failed: by a bug of ours, or because its files belong to an older release. */
export function Broken() {
  const error = useRouteError()
  const words = error instanceof Error ? error.message : String(error)
  return (
    <Box p="xl" maw={720} mx="auto">
      <Trouble
        title="This page cannot be shown"
        sentence={`Load it again; after an upgrade that is all there is to do. (${words})`}
      />
    </Box>
  )
}

/** No page has this address. */
export function NotHere() {
  return (
    <Empty
      page
      title="There is no such page"
      action={
        <Anchor component={Link} to={to.home()}>
          To the overview
        </Anchor>
      }
    >
      The address may be mistyped, or what it named is gone.
    </Empty>
  )
}
