import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { RouterProvider } from 'react-router'
import { Provider } from 'urql'

import { makeClient } from '~/graphql/client'
import { noteEnded, SessionQuery } from '~/graphql/session'
import { onGap } from '~/graphql/stream'
import { to } from '~/lib/paths'
import { router } from '~/routes'
import { Kit } from '~/ui'

const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? ''
// Where the library that keeps a page from scrolling behind a dialog looks for it.
Object.assign(globalThis, { __webpack_nonce__: nonce })

const { client, askAgain } = makeClient(() => noteEnded(true))
onGap(askAgain)

// Asked for while the page's own code is on its way: nothing is drawn without the answer.
void client.query(SessionQuery, {}).toPromise()

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element #root')
createRoot(root).render(
  <StrictMode>
    <Kit nonce={nonce} helpAt={to.error}>
      <Provider value={client}>
        <RouterProvider router={router} />
      </Provider>
    </Kit>
  </StrictMode>,
)
