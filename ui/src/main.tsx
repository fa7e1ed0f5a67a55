import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { RouterProvider } from 'react-router'
import { Provider } from 'urql'

import { makeClient } from '~/graphql/client'
import { to } from '~/lib/paths'
import { router } from '~/routes'
import { Kit } from '~/ui'

const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? ''
const client = makeClient(() => {
  const here = window.location.pathname + window.location.search + window.location.hash
  if (!here.startsWith(to.signIn())) void router.navigate(`${to.signIn()}?next=${encodeURIComponent(here)}`)
})

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element #root')
createRoot(root).render(
  <StrictMode>
    <Kit nonce={nonce}>
      <Provider value={client}>
        <RouterProvider router={router} />
      </Provider>
    </Kit>
  </StrictMode>,
)
