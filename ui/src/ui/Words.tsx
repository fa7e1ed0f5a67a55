import { Fragment } from 'react'

import { Code } from '@mantine/core'

/** A sentence in which code stands between backticks. */
export function Words({ text }: { text: string }) {
  return text.split('`').map((part, n) =>
    // Parts have no other identity than their place.
    // oxlint-disable-next-line react/no-array-index-key
    n % 2 === 1 ? <Code key={n}>{part}</Code> : <Fragment key={n}>{part}</Fragment>,
  )
}
