import { useQuery, type AnyVariables, type UseQueryArgs, type UseQueryResponse } from 'urql'

import { useCalm } from './calm'
import { useSignals, type Topic } from './live'
import { useStanding } from './standing'

/** Milliseconds: whatever goes on, the page stands still for as long as it takes to read a line. */
export const CALM = 3_000

export const ACTIVITY: readonly Topic[] = ['activity']
export const ACCOUNT: readonly Topic[] = ['account']
export const AUDIT: readonly Topic[] = ['audit']
const WITH_SIGN_INS: readonly Topic[] = ['account', 'sessions']
const NOTHING: readonly Topic[] = []

/** As `useQuery`, and asked again, now and then, while one of the topics moves. */
export function useFollowing<Data, Variables extends AnyVariables>(
  topics: readonly Topic[],
  args: UseQueryArgs<Variables, Data>,
): UseQueryResponse<Data, Variables> {
  const [result, ask] = useQuery<Data, Variables>(args)
  const again = useCalm(() => ask({ requestPolicy: 'network-only' }), CALM)
  useSignals(args.pause ? NOTHING : topics, again)
  return [result, ask]
}

/** Follows what the account shares: people, keys, roles, spaces, contexts, settings. */
export function useAccountQuery<Data, Variables extends AnyVariables>(
  args: UseQueryArgs<Variables, Data>,
): UseQueryResponse<Data, Variables> {
  return useFollowing(ACCOUNT, args)
}

/** The same for what also tells who has signed in, of which only root admins hear. */
export function usePeopleQuery<Data, Variables extends AnyVariables>(
  args: UseQueryArgs<Variables, Data>,
): UseQueryResponse<Data, Variables> {
  const standing = useStanding()
  return useFollowing(standing?.rootAdmin ? WITH_SIGN_INS : ACCOUNT, args)
}
