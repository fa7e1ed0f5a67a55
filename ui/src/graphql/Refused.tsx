import type { CombinedError } from 'urql'

import { Trouble } from '~/ui'

import { problemOf } from './problem'

/** What the server refused, in its own sentence, with its code and the page about it. */
export function Refused({ title, error }: { title: string; error: CombinedError }) {
  return <Trouble title={title} {...problemOf(error)} />
}
