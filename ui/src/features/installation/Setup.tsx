import { IconCheck, IconPointFilled } from '@tabler/icons-react'
import { useState } from 'react'
import { Navigate } from 'react-router'
import { useQuery } from 'urql'

import { graphql } from '~/graphql/gql'
import { isSignedOut, problemOf } from '~/graphql/problem'
import { lacking, useRights } from '~/graphql/rights'
import { to } from '~/lib/paths'
import { post, type Refusal } from '~/lib/post'
import { Action, Card, CenteredLoader, Group, List, Stack, Text, TextInput, Title, Trouble } from '~/ui'

import { rulesOf } from './accountName'
import { Checks } from './Checks'

const SetupQuery = graphql(`
  query Setup {
    viewer {
      id
    }
    accountIsNamed
  }
`)

/** The first setup: what the installation stands on, and the account's name, given once. */
export default function Setup() {
  const [{ data, error }] = useQuery({ query: SetupQuery, requestPolicy: 'network-only' })
  if (error && !isSignedOut(error)) {
    return <Trouble title="Gantry cannot be reached" {...problemOf(error)} />
  }
  if (error || (data && !data.viewer)) {
    return <Navigate to={`${to.signIn()}?next=${encodeURIComponent(to.setup())}`} replace />
  }
  if (!data) return <CenteredLoader />
  if (data.accountIsNamed) return <Navigate to={to.home()} replace />
  return (
    <Stack component="main" maw={680} mx="auto" px="md" py="xl" gap="lg">
      <Group gap="sm" wrap="nowrap">
        <img src="/icon.svg" width={40} height={40} alt="" />
        <div>
          <Title order={1}>Set up Gantry</Title>
          <Text c="dimmed">Two minutes, once. After this you can make your first stack.</Text>
        </div>
      </Group>
      <Card withBorder p="lg">
        <Stack>
          <Title order={2}>What this installation stands on</Title>
          <Checks />
        </Stack>
      </Card>
      <Card withBorder p="lg">
        <NameForm />
      </Card>
    </Stack>
  )
}

function NameForm() {
  const rights = useRights()
  const [name, setName] = useState('')
  const [problem, setProblem] = useState<Refusal>()
  const [busy, setBusy] = useState(false)
  const rules = rulesOf(name)
  const broken = rules.find(({ kept }) => !kept)
  const why =
    lacking(rights, 'SPACE_ADMIN') ??
    (name === '' ? 'Give the account a name first.' : broken && `The name: ${broken.rule.toLowerCase()}.`)

  async function give() {
    setBusy(true)
    setProblem(undefined)
    const answer = await post('/setup', { name })
    if (!('refusal' in answer)) {
      // As a new page: what was loaded for an account without a name is out of date.
      window.location.assign(to.launchpad())
      return
    }
    setProblem(answer.refusal)
    setBusy(false)
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!why) void give()
      }}
    >
      <Stack>
        <Title order={2}>Name the account</Title>
        <Text size="sm">
          The name stands for your organisation. It is part of external ids, by which clouds recognise
          this installation, and of addresses. That is why <strong>it cannot be changed later</strong>.
        </Text>
        <TextInput
          label="Account name"
          placeholder="acme"
          value={name}
          onChange={(event) => setName(event.currentTarget.value.trim())}
          autoComplete="organization"
          autoCapitalize="none"
          spellCheck={false}
          aria-describedby="account-name-rules"
        />
        <List id="account-name-rules" size="sm" spacing={4} listStyleType="none">
          {rules.map(({ rule, kept }) => (
            <List.Item
              key={rule}
              icon={
                kept ? (
                  <IconCheck size={16} color="var(--mantine-color-green-text)" role="img" aria-label="Kept" />
                ) : (
                  <IconPointFilled
                    size={16}
                    color="var(--mantine-color-dimmed)"
                    role="img"
                    aria-label="Not yet"
                  />
                )
              }
            >
              {rule}
            </List.Item>
          ))}
        </List>
        {problem && <Trouble title="The account was not named" {...problem} />}
        <Group justify="flex-end">
          <Action type="submit" loading={busy} why={why}>
            {name && !broken ? `Name it ${name}` : 'Name the account'}
          </Action>
        </Group>
      </Stack>
    </form>
  )
}
