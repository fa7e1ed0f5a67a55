import { useState } from 'react'
import { Navigate, useLocation, useSearchParams } from 'react-router'
import { useQuery } from 'urql'

import { graphql } from '~/graphql/gql'
import { isSignedOut, problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { post, type Refusal } from '~/lib/post'
import { Anchor, Button, CenteredLoader, Stack, Text, Trouble } from '~/ui'

import { Doorstep } from './Doorstep'

const WhoQuery = graphql(`
  query WhoLetsIn {
    viewer {
      login
    }
  }
`)

/** Asks whoever is signed in whether the command line tool on their computer may come in as them. */
export default function CliLogin() {
  const [params] = useSearchParams()
  const here = useLocation()
  const [{ data, error }] = useQuery({ query: WhoQuery, requestPolicy: 'network-only' })
  const key = params.get('key') ?? ''
  const port = params.get('port') ?? ''
  if (error && !isSignedOut(error)) {
    return (
      <Doorstep title="Command line">
        <Trouble title="Gantry cannot be reached" {...problemOf(error)} />
      </Doorstep>
    )
  }
  if (error || (data && !data.viewer)) {
    return <Navigate to={`${to.signIn()}?next=${encodeURIComponent(here.pathname + here.search)}`} replace />
  }
  if (!data?.viewer) return <CenteredLoader />
  if (!key || !port) {
    return (
      <Doorstep title="Command line">
        <Text size="sm">
          This page is opened by the command line tool. Run <code>spacectl profile login</code>, choose
          the browser, and follow the link that it prints.
        </Text>
        <Anchor href={to.home()} size="sm" ta="center">
          To the overview
        </Anchor>
      </Doorstep>
    )
  }
  return <Asking login={data.viewer.login} key_={key} port={port} />
}

function Asking({ login, key_, port }: { login: string; key_: string; port: string }) {
  const [refusal, setRefusal] = useState<Refusal>()
  const [busy, setBusy] = useState(false)

  async function letIn() {
    setBusy(true)
    setRefusal(undefined)
    const answer = await post<{ location: string }>('/cli_login', { key: key_, port })
    if ('refusal' in answer) {
      setBusy(false)
      setRefusal(answer.refusal)
      return
    }
    window.location.assign(answer.said.location)
  }

  return (
    <Doorstep title="Let the command line tool in?">
      <Text size="sm">
        A program on this computer (port {port}) asks to sign in as <strong>{login}</strong>. It may then
        do all that you may, until your present session would end.
      </Text>
      <Text size="sm">
        Agree only if you have just started the sign-in yourself, with <code>spacectl profile login</code>. If
        a link in a message led you here, do not.
      </Text>
      {refusal && <Trouble title="The tool was not let in" {...refusal} />}
      <Stack gap="xs">
        <Button loading={busy} onClick={() => void letIn()}>
          Let it in as {login}
        </Button>
        <Button variant="default" component="a" href={to.home()}>
          Do not
        </Button>
      </Stack>
    </Doorstep>
  )
}
