import { useCallback, useEffect, useRef, useState } from 'react'
import { useLocation, useNavigate } from 'react-router'
import { useClient } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'
import { useLiveQuery, useSignals, type Topic } from '~/graphql/live'
import { useSession } from '~/graphql/session'
import { to } from '~/lib/paths'
import { placeOf } from '~/lib/place'
import { announce } from '~/ui'

import { newsAmong, noted, said } from './news'

const NewsQuery = graphql(`
  query News($input: SearchInput!) {
    searchRuns(input: $input) {
      edges {
        node {
          run {
            id
            title
            state
          }
          stack {
            id
            name
          }
        }
      }
    }
  }
`)

const LeftQuery = graphql(`
  query Left($stack: ID!, $run: ID!) {
    stack(id: $stack) {
      id
      name
      run(id: $run) {
        id
        title
        state
        finished
        triggeredBy
      }
    }
  }
`)

type News = ResultOf<typeof NewsQuery>['searchRuns']['edges'][number]['node']

/** As many runs as one starts within the time that news matter. */
const NEWEST = 20
/** As many runs of others as are followed after one has left their pages. */
const FOLLOWED = 3
const MINE: readonly Topic[] = ['mine']

/**
 * Tells what became of the runs that one started, and of those whose pages one has looked at: that
 * they wait for a decision, have finished or failed. Not on a run's own page, which says so itself.
 */
export function Notices() {
  const client = useClient()
  const { viewer } = useSession()
  const { pathname } = useLocation()
  const go = useNavigate()
  const known = useRef<ReadonlyMap<string, string>>(undefined)
  const open = placeOf(pathname)?.run

  const look = async () => {
    const { data } = await client
      .query(NewsQuery, { input: asked(viewer.login) }, { requestPolicy: 'network-only' })
      .toPromise()
    if (!data) return // the next signal, or the end of the gap, brings another look
    const found = data.searchRuns.edges.map(({ node }) => ({ ...node.run, node }))
    for (const { node } of newsAmong(found, known.current)) {
      if (node.run.id !== open) tellOf(node, (path) => void go(path))
    }
    known.current = noted(found, known.current)
  }
  useSignals(MINE, () => void look())
  const first = useRef(look)
  useEffect(() => void first.current(), [])
  return <LookedAt />
}

/** What becomes of runs of others whose pages one has left while they went on. */
function LookedAt() {
  const { pathname } = useLocation()
  const place = placeOf(pathname)
  const stack = place?.stack
  const run = place?.run
  const [left, setLeft] = useState<readonly { stack: string; run: string }[]>([])
  useEffect(() => {
    if (stack === undefined || run === undefined) return undefined
    return () =>
      setLeft((before) => [{ stack, run }, ...before.filter((one) => one.run !== run)].slice(0, FOLLOWED))
  }, [stack, run])
  const forget = useCallback(
    (gone: string) => setLeft((before) => before.filter((one) => one.run !== gone)),
    [],
  )
  return left
    .filter((one) => one.run !== run)
    .map((one) => <Left key={one.run} {...one} onOver={forget} />)
}

function Left(props: { stack: string; run: string; onOver: (run: string) => void }) {
  const { viewer } = useSession()
  const go = useNavigate()
  const { data } = useLiveQuery(LeftQuery, { stack: props.stack, run: props.run }, topicOf)
  const known = useRef<ReadonlyMap<string, string>>(undefined)
  const { onOver } = props
  useEffect(() => {
    const stack = data?.stack
    const run = stack?.run
    if (!data) return
    if (!stack || !run) {
      onOver(props.run)
      return
    }
    const [news] = run.triggeredBy === viewer.login ? [] : newsAmong([run], known.current)
    known.current = noted([run], known.current)
    if (news) tellOf({ run, stack }, (path) => void go(path))
    if (run.finished) onOver(run.id)
  }, [data, viewer.login, go, onOver, props.run])
  return null
}

function topicOf(data: ResultOf<typeof LeftQuery> | undefined): readonly Topic[] {
  const run = data?.stack?.run
  return run && !run.finished ? [`run:${run.id}`] : []
}

function asked(login: string) {
  return {
    first: NEWEST,
    predicates: [{ field: 'triggeredBy', constraint: { stringMatches: [login] } }],
  }
}

function tellOf({ run, stack }: Pick<News, 'stack'> & { run: News['run'] }, go: (path: string) => void): void {
  const told = said(run.state)
  if (!told) return
  const path = to.run(stack.id, run.id)
  announce({
    id: run.id,
    title: `${stack.name}: ${told.words}`,
    words: run.title || 'See the run',
    color: told.color,
    lasts: told.lasts,
    href: path,
    go: () => go(path),
  })
}
