import type { ReactNode } from 'react'

import { Button, Empty } from '~/ui'

import type { useView } from './view'

interface NoneFitProps {
  /** "No stack fits". */
  title: string
  looking: Pick<ReturnType<typeof useView>, 'change'>
  /** What the way back is called. */
  all?: string
  /** What may help. */
  children?: ReactNode
}

/** In place of a list's rows when it was narrowed until none was left: the way back to all. */
export function NoneFit({ title, looking, all = 'Show all', children }: NoneFitProps) {
  return (
    <Empty
      title={title}
      action={
        <Button variant="default" onClick={() => looking.change({ text: '', filters: {} })}>
          {all}
        </Button>
      }
    >
      {children}
    </Empty>
  )
}
