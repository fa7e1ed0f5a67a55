import { useEffect, useRef, type ReactNode } from 'react'
import { Link } from 'react-router'
import { useQuery } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { Anchor, Code, Coming, List, Stack, Table, Text, Title, Trouble } from '~/ui'

const ConfigurationQuery = graphql(`
  query RunConfiguration($stack: ID!, $run: ID!) {
    stack(id: $stack) {
      id
      run(id: $run) {
        id
        configuration {
          file
          fileVersion
          notes
          settings {
            name
            value
            source
          }
          hooks {
            phase
            commands
            place {
              source
              contextName
            }
          }
          elements {
            id
            type
            writeOnly
            place {
              source
              contextName
            }
            overrides {
              source
              contextName
            }
          }
        }
      }
    }
  }
`)

type Taken = NonNullable<
  NonNullable<NonNullable<ResultOf<typeof ConfigurationQuery>['stack']>['run']>['configuration']
>
type Source = Taken['settings'][number]['source']
type Place = Taken['hooks'][number]['place']

const WORDS: Record<Source, string> = {
  RUN: 'this run',
  FILE: 'the file',
  FILE_DEFAULTS: 'the file, for all stacks',
  STACK: 'the stack',
  CONTEXT: 'a context',
  ACCOUNT: 'the account',
  COMPUTED: 'what is computed for each run',
}

/** What the run was made with, and where each thing comes from. */
export function RunConfiguration(props: { stack: string; run: string; version: number }) {
  const { stack, run, version } = props
  const [{ data, error }, ask] = useQuery({ query: ConfigurationQuery, variables: { stack, run } })
  const asked = useRef(version)
  useEffect(() => {
    if (asked.current === version) return
    asked.current = version
    ask({ requestPolicy: 'network-only' })
  }, [version, ask])
  if (error && !data) {
    return <Trouble title="The configuration could not be loaded" {...problemOf(error)} />
  }
  if (!data) return <Coming height={160} />
  const taken = data.stack?.run?.configuration
  return (
    <Stack gap="sm" mt="lg" component="section" aria-labelledby="configuration">
      <Title order={2} size="h4" id="configuration">
        Configuration
      </Title>
      {taken ? (
        <Settled stack={stack} taken={taken} />
      ) : (
        <Text size="sm" c="dimmed">
          It is settled when the run starts, from the stack, its contexts and the file in the repository.
        </Text>
      )}
    </Stack>
  )
}

function Settled({ stack, taken }: { stack: string; taken: Taken }) {
  const given = taken.elements.filter(({ place }) => place.source !== 'COMPUTED')
  const computed = taken.elements.filter(({ place }) => place.source === 'COMPUTED')
  return (
    <>
      <Text size="sm" c="dimmed">
        Settled when the run started.{' '}
        {taken.file ? (
          <>
            <Code>{taken.file}</Code> was read, as version {taken.fileVersion}.
          </>
        ) : (
          'The repository has no configuration file for it.'
        )}
      </Text>
      {taken.notes.length > 0 && (
        <List size="sm">
          {taken.notes.map((note) => (
            <List.Item key={note}>{note}</List.Item>
          ))}
        </List>
      )}
      <Table aria-label="Configuration" layout="fixed" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={{ base: '46%', sm: '30%' }}>Name</Table.Th>
            <Table.Th>Value</Table.Th>
            <Table.Th w="26%" visibleFrom="sm">
              From
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {taken.settings.map((setting) => (
            <Row key={setting.name} name={setting.name} place={{ source: setting.source, contextName: null }}>
              <Code>{setting.value || '""'}</Code>
            </Row>
          ))}
          {taken.hooks.map((hook, at) => (
            <Row key={`${hook.phase} ${at}`} name={hook.phase} place={hook.place}>
              <Code block style={{ whiteSpace: 'pre-wrap' }}>
                {hook.commands.join('\n')}
              </Code>
            </Row>
          ))}
          {given.map((element) => (
            <Row key={`${element.type} ${element.id}`} name={element.id} place={element.place}>
              <Text size="sm" c="dimmed">
                {element.type === 'FILE_MOUNT' ? 'mounted file' : 'variable'}
                {element.writeOnly && ', secret'}
              </Text>
              {element.overrides.length > 0 && (
                <Text size="xs" c="dimmed">
                  instead of that of {element.overrides.map(words).join(', ')}
                </Text>
              )}
            </Row>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        Computed for each run, and given to this one too: {computed.map(({ id }) => id).join(', ')}.
      </Text>
      <Text size="sm" c="dimmed">
        Values of variables are not kept with a run. What the stack and its contexts say now is in the stack&apos;s{' '}
        <Anchor component={Link} to={to.stackTab(stack, 'environment')} size="sm" underline="always">
          environment
        </Anchor>
        .
      </Text>
    </>
  )
}

function Row({ name, place, children }: { name: string; place: Place; children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th fw={500} style={{ verticalAlign: 'top', overflowWrap: 'anywhere' }}>
        <Text size="sm" ff="monospace">
          {name}
        </Text>
        <Text size="xs" c="dimmed" hiddenFrom="sm">
          From {words(place)}
        </Text>
      </Table.Th>
      <Table.Td style={{ verticalAlign: 'top' }}>{children}</Table.Td>
      <Table.Td visibleFrom="sm" style={{ verticalAlign: 'top', overflowWrap: 'anywhere' }}>
        <Text size="sm">{words(place)}</Text>
      </Table.Td>
    </Table.Tr>
  )
}

function words(place: Place): string {
  return place.contextName ?? WORDS[place.source]
}
