import { useClient, type TypedDocumentNode } from 'urql'

import { useCalm } from './calm'
import { ACCOUNT, CALM } from './following'
import { useSignals } from './live'
import { RightsQuery } from './rights'
import { StandingQuery } from './standing'

/** What whoever is signed in may do is looked at again when somebody may have changed it. */
export function useMovingRights(): void {
  const client = useClient()
  const look = <Data>(query: TypedDocumentNode<Data, Record<string, never>>) => {
    // What nobody has asked for yet is new when it is asked for.
    if (!client.readQuery(query, {}, { requestPolicy: 'cache-only' })?.data) return
    void client.query(query, {}, { requestPolicy: 'network-only' }).toPromise()
  }
  const again = useCalm(() => {
    look(StandingQuery)
    look(RightsQuery)
  }, CALM)
  useSignals(ACCOUNT, again)
}
