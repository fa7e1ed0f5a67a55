import { useEffect } from 'react'
import { useLocation } from 'react-router'
import { useQuery } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'
import { useSession } from '~/graphql/session'
import { to } from '~/lib/paths'
import { placeOf } from '~/lib/place'
import { remember } from '~/lib/recent'

const HereQuery = graphql(`
  query Here($stack: ID!, $run: ID!, $ofRun: Boolean!) {
    stack(id: $stack) {
      id
      name
      canWrite
      isDisabled
      lockedBy
      run(id: $run) @include(if: $ofRun) {
        id
        title
        state
        finished
      }
    }
  }
`)

export type Here = NonNullable<ResultOf<typeof HereQuery>['stack']>

/** What is known of the stack or run whose page is open; it is remembered as opened. */
export function useHere(): Here | undefined {
  const { viewer } = useSession()
  const { pathname } = useLocation()
  const place = placeOf(pathname)
  const [{ data }] = useQuery({
    query: HereQuery,
    variables: { stack: place?.stack ?? '', run: place?.run ?? '', ofRun: place?.run !== undefined },
    pause: place === undefined,
  })
  const stack = place && data?.stack?.id === place.stack ? data.stack : undefined
  const run = stack?.run?.id === place?.run ? stack?.run : undefined
  useEffect(() => {
    if (!stack || (place?.run !== undefined && !run)) return
    remember(
      viewer.login,
      run
        ? { path: to.run(stack.id, run.id), label: run.title || run.id, about: `run of ${stack.name}` }
        : { path: to.stack(stack.id), label: stack.name, about: 'stack' },
    )
  }, [viewer.login, stack, run, place?.run])
  return stack ?? undefined
}
