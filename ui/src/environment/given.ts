import type { CombinedError } from 'urql'

import { graphql, type VariablesOf } from '~/graphql/gql'

/** The mutation whose input an element is, whoever's it becomes. */
export const PutStackElement = graphql(`
  mutation PutElement($stack: ID!, $config: ConfigInput!) {
    stackConfigAdd(stack: $stack, config: $config) {
      id
      checksum
    }
  }
`)

export type Config = VariablesOf<typeof PutStackElement>['config']

/** A variable or a mounted file, without its value. */
export interface Element {
  id: string
  type: 'ENVIRONMENT_VARIABLE' | 'FILE_MOUNT'
  writeOnly: boolean
  runtime: boolean
  createdAt: number | null
  description: string | null
}

/** An element, where it comes from, and what it takes the place of. */
export interface Given {
  element: Element
  /** The context that it comes from; without, it is the owner's own, of a file or computed. */
  context?: { id: string; name: string } | undefined
  /** In words: "this stack". */
  source: string
  /** Whether it can be changed here. */
  own: boolean
  /** Places that have one of the same name, which does not count here; contexts with their ids. */
  insteadOf: readonly { id?: string | undefined; name: string }[]
}

/** Whose variables and files are edited: a stack, or a context. */
export interface Owner {
  /** What becomes of a change: "The next run is given it." */
  next: string
  put: (config: Config) => Promise<CombinedError | undefined>
  drop: (id: string) => Promise<CombinedError | undefined>
  /** The present value; asked for when it is about to be changed and not before. */
  read: (id: string) => Promise<{ value: string } | { error: CombinedError }>
}
