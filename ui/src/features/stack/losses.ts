import { graphql, type ResultOf } from '~/graphql/gql'

import { useStackQuery } from './here'

const LossesQuery = graphql(`
  query StackLosses($id: ID!) {
    stack(id: $id) {
      id
      autodeploy
      managesStateFile
      entityCount
      stateSerial
      config {
        id
      }
    }
  }
`)

type Counted = NonNullable<ResultOf<typeof LossesQuery>['stack']>

/** What a stack has that can be lost. */
export function useLosses(id: string, pause: boolean): Counted | undefined {
  return useStackQuery(LossesQuery, { id }, { pause }).data?.stack ?? undefined
}

/** "1 resource", "12 resources". */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
