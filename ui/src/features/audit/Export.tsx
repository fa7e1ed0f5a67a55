import { IconDownload } from '@tabler/icons-react'
import { useState } from 'react'

import type { asked } from '~/list/asked'
import { save } from '~/lib/save'
import { Action, tell, warn } from '~/ui'

import { gather, MOST } from './export'
import { asLines } from './words'

/** Downloads what the list shows, on all its pages, as lines of JSON. */
export function Export({ input, why }: { input: ReturnType<typeof asked>; why: string | undefined }) {
  const [count, setCount] = useState<number>()
  const run = async () => {
    setCount(0)
    const found = await gather(input, setCount)
    setCount(undefined)
    if ('problem' in found) {
      warn('The entries could not be exported', found.problem)
      return
    }
    save('audit-trail.jsonl', asLines(found.entries))
    const number = found.entries.length.toLocaleString()
    if (found.more) {
      warn(`The newest ${number} entries are saved`, 'There are more. Narrow the time to get the others.')
    } else tell(`${number} ${found.entries.length === 1 ? 'entry is' : 'entries are'} saved`)
  }
  return (
    <Action
      variant="default"
      size="xs"
      leftSection={<IconDownload size={16} aria-hidden />}
      why={why ?? (count === undefined ? undefined : 'The entries are being gathered.')}
      hint={`What is filtered here as lines of JSON, at most ${MOST.toLocaleString()}`}
      onClick={() => void run()}
    >
      {count === undefined ? 'Export' : `${count.toLocaleString()} gathered…`}
    </Action>
  )
}
