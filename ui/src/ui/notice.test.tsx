import { MantineProvider } from '@mantine/core'
import { notificationsStore } from '@mantine/notifications'
import { renderToStaticMarkup } from 'react-dom/server'
import { beforeEach, expect, test } from 'vitest'

import { HelpProvider } from './ErrorCode'
import { tell, warn } from './notice'
import { Trouble } from './states'

const drawn = (node: React.ReactNode) =>
  renderToStaticMarkup(
    <MantineProvider>
      <HelpProvider value={(code) => `/help/errors/${code}`}>{node}</HelpProvider>
    </MantineProvider>,
  )

const notices = () => notificationsStore.getState().queue.concat(notificationsStore.getState().notifications)

beforeEach(() => notificationsStore.setState({ ...notificationsStore.getState(), notifications: [], queue: [] }))

test('what the server refused is told with its code, and the code leads to what explains it', () => {
  warn('No run was started', { sentence: 'The stack is locked by ada.', code: 'STACK_LOCKED' })

  const [notice] = notices()
  expect(notice).toMatchObject({ title: 'No run was started', autoClose: false })
  const shown = drawn(notice?.message)
  expect(shown).toContain('The stack is locked by ada.')
  expect(shown).toMatch(/<a [^>]*href="\/help\/errors\/STACK_LOCKED"[^>]*>STACK_LOCKED<\/a>/)
  expect(drawn(<Trouble title="x" sentence="The stack is locked by ada." code="STACK_LOCKED" />)).toContain(shown.slice(shown.indexOf('<p')))
})

test('what has no code leads nowhere', () => {
  warn('Nothing was copied', 'The browser keeps the clipboard closed.')
  warn('No run was started', { sentence: 'The server cannot be reached.', code: undefined })
  tell('The stack is locked')

  expect(notices()).toHaveLength(3)
  for (const { message } of notices()) expect(drawn(message)).not.toContain('<a ')
})
