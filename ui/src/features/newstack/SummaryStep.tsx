import type { ReactNode } from 'react'

import { Anchor, Badge, CheckLine, Code, CopyBlock, Group, Stack, Table, Tabs, Text, VisuallyHidden } from '~/ui'

import type { Places } from './BehaviourStep'
import { curlOf } from './curl'
import { cleanRoot, commandsOf, HOOKS, nameOf, placeOf, TOOL_NAMES, type Draft, type Step } from './draft'
import { hclOf } from './hcl'
import type { Wizard } from './useDraft'

/** Everything at a glance, and the same for a repository or a shell. */
export function SummaryStep({
  places,
  go,
  ...wizard
}: Wizard & { places: Places | undefined; go: (step: Step) => void }) {
  const { draft } = wizard
  const endpoint = window.location.origin
  return (
    <Tabs defaultValue="summary" keepMounted={false}>
      <Tabs.List mb="md">
        <Tabs.Tab value="summary">Summary</Tabs.Tab>
        <Tabs.Tab value="terraform">As Terraform</Tabs.Tab>
        <Tabs.Tab value="api">As an API call</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="summary">
        <Remarks {...wizard} />
        <Overview {...wizard} places={places} go={go} />
      </Tabs.Panel>
      <Tabs.Panel value="terraform">
        <Stack gap="sm">
          <Text size="sm">
            The same stack for the provider <Code>spacelift-io/spacelift</Code>, which Gantry
            understands. Make it here or there, not both: each would make one of its own.
          </Text>
          <CopyBlock label="The stack as Terraform code" text={hclOf(draft, endpoint)} />
        </Stack>
      </Tabs.Panel>
      <Tabs.Panel value="api">
        <Stack gap="sm">
          <Text size="sm">
            The call that Create makes, for a shell. It takes a token of yours from the variable{' '}
            <Code>GANTRY_TOKEN</Code>.
          </Text>
          <CopyBlock label="The stack as an API call" text={curlOf(draft, endpoint)} />
        </Stack>
      </Tabs.Panel>
    </Tabs>
  )
}

const LOOKED_AT = ['repositoryURL', 'branch', 'projectRoot', 'version'] as const

/** What is not simply fine: before something is made, not after it. */
function Remarks({ told }: Wizard) {
  const remarks = LOOKED_AT.flatMap((field) => {
    const one = told(field)
    return one && one.standing !== 'OK' ? [{ field, ...one }] : []
  })
  return (
    <div>
      {remarks.map(({ field, ...one }) => (
        <CheckLine key={field} {...one} />
      ))}
    </div>
  )
}

function Overview({ draft, source, version, places, go }: Wizard & { places: Places | undefined; go: (step: Step) => void }) {
  const commit = source.data?.sourceCheck.commit
  const resolved = version.data?.versionCheck.resolved
  const pool = places?.workerPools.find((one) => one.id === draft.workerPool)?.name ?? draft.workerPool
  const space = places?.spaces.find((one) => one.id === draft.space)?.name ?? draft.space
  const parts: readonly { title: string; step: Step; rows: readonly (readonly [string, ReactNode])[] }[] = [
    {
      title: 'Code',
      step: 'code',
      rows: [
        ['Repository', <Breaking key="url">{draft.repositoryURL}</Breaking>],
        ['Shown as', <Breaking key="name">{shownAs(draft)}</Breaking>],
        ['Branch', <Breaking key="branch">{`${draft.branch}${commit ? `, now at ${commit.slice(0, 8)}` : ''}`}</Breaking>],
        ['Project root', cleanRoot(draft.projectRoot) || 'The top of the repository'],
      ],
    },
    {
      title: 'Tool and state',
      step: 'tool',
      rows: [
        ['Tool', TOOL_NAMES[draft.tool]],
        ['Version', draft.version.trim() ? `${draft.version}${resolved ? `, which is ${resolved}` : ''}` : 'What the worker has'],
        ['State', draft.manageState ? 'Kept by Gantry' : 'Kept by the backend that the code names'],
        ...(draft.manageState
          ? ([['Read from outside', draft.externalStateAccess ? 'Yes' : 'No']] as const)
          : ([['Workspace', draft.workspace || 'The default one']] as const)),
      ],
    },
    {
      title: 'Name and behaviour',
      step: 'behaviour',
      rows: [
        ['Name', <Breaking key="name">{nameOf(draft)}</Breaking>],
        ...(draft.description ? ([['Description', <Breaking key="words">{draft.description}</Breaking>]] as const) : []),
        ...(draft.labels.length > 0 ? ([['Labels', <Labels key="labels" labels={draft.labels} />]] as const) : []),
        ['Space', space],
        ['Workers', pool || 'Public worker'],
        ['Runner image', draft.runnerImage || 'The usual one'],
        ['After a plan', draft.autodeploy ? 'It is applied at once' : 'It waits until somebody confirms'],
        ['Proposed runs', draft.promotion ? 'Can be promoted' : 'Cannot be promoted'],
        ['Local previews', draft.localPreview ? 'Yes' : 'No'],
        ['Well-known secrets', draft.secretMasking ? 'Masked in logs' : 'Shown in logs'],
        ['Sensitive outputs', draft.sensitiveOutputs ? 'Kept' : 'Not kept'],
        ['Deletion', draft.protectFromDeletion ? 'Protected' : 'Allowed'],
        ...HOOKS.flatMap(([hook, label]) => {
          const commands = commandsOf(draft, hook)
          return commands.length > 0
            ? ([[label, <Code block key={hook}>{commands.join('\n')}</Code>]] as const)
            : []
        }),
      ],
    },
  ]
  return (
    <Stack gap="lg">
      {parts.map((part) => (
        <Table key={part.step} layout="fixed" aria-label={part.title} verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="38%">{part.title}</Table.Th>
              <Table.Th ta="right">
                <Anchor component="button" type="button" size="sm" onClick={() => go(part.step)}>
                  Change<VisuallyHidden> {part.title.toLowerCase()}</VisuallyHidden>
                </Anchor>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {part.rows.map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Td c="dimmed">{name}</Table.Td>
                <Table.Td>{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      ))}
    </Stack>
  )
}

function shownAs(draft: Draft): string {
  const { repository, namespace } = placeOf(draft.repositoryURL)
  return [namespace, repository].filter((part) => part !== '').join('/')
}

function Breaking({ children }: { children: string }) {
  return (
    <Text inherit style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
      {children}
    </Text>
  )
}

function Labels({ labels }: { labels: readonly string[] }) {
  return (
    <Group gap={4}>
      {labels.map((label) => (
        <Badge key={label} variant="default" tt="none" fw={500}>
          {label}
        </Badge>
      ))}
    </Group>
  )
}
