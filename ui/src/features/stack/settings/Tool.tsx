import { useQuery } from 'urql'

import { graphql } from '~/graphql/gql'
import { Alert, Select, Switch, Text, TextInput } from '~/ui'

import { useStack } from '../here'
import { nameOfTool } from '../tool'
import type { Form } from './form'
import { Section } from './Section'
import type { StackInput } from './settings'

const PoolsQuery = graphql(`
  query PoolsToChoose {
    workerPools {
      id
      name
      workersCount
    }
  }
`)

/** The settings that Terraform and OpenTofu share. */
interface Shared {
  version?: string | null
  workspace?: string | null
  externalStateAccessEnabled?: boolean | null
}

/** Which tool, which version of it, and who runs it. */
export function Tool({ form, managesState }: { form: Form; managesState: boolean }) {
  const stack = useStack()
  const { value, set, faults } = form
  const { vendorConfig: config } = value
  const name = config?.opentofu ? 'opentofu' : 'terraform'
  const chosen: Shared | undefined = config?.opentofu ?? config?.terraform ?? undefined
  const [{ data }] = useQuery({ query: PoolsQuery })
  const change = (more: Shared) => set({ vendorConfig: changed(config, name, more) })
  return (
    <Section title="Tool and workers">
      {chosen ? (
        <>
          <Select
            label="Tool"
            data={[
              { value: 'opentofu', label: 'OpenTofu' },
              { value: 'terraform', label: 'Terraform' },
            ]}
            value={name}
            onChange={(next) => {
              if (next === 'opentofu' || next === 'terraform') set({ vendorConfig: moved(config, next) })
            }}
            allowDeselect={false}
          />
          <TextInput
            label="Version"
            description="One version, or a constraint: 1.8.3, ~> 1.8, >= 1.6, < 2; nothing for the newest"
            value={chosen.version ?? ''}
            onChange={(event) => change({ version: event.currentTarget.value || null })}
            error={faults.vendorConfig}
            spellCheck={false}
          />
          {!managesState && (
            <TextInput
              label="Workspace"
              description="Of the tool's own backend, which keeps the state"
              value={chosen.workspace ?? ''}
              onChange={(event) => change({ workspace: event.currentTarget.value || null })}
              spellCheck={false}
            />
          )}
          <Switch
            label="Others may read its state"
            description="By the API, with the right to: for remote state in other stacks and tools"
            checked={chosen.externalStateAccessEnabled ?? false}
            onChange={(event) => change({ externalStateAccessEnabled: event.currentTarget.checked })}
          />
        </>
      ) : (
        <Alert color="gray" title={nameOfTool(stack.vendorConfig.kind)}>
          <Text size="sm">
            Workers of this release cannot run this tool. Its settings are kept as the API was given them.
          </Text>
        </Alert>
      )}
      <Select
        label="Worker pool"
        description="Whose workers run it"
        data={[
          { value: '', label: 'The public pool' },
          ...(data?.workerPools ?? []).map((pool) => ({
            value: pool.id,
            label: `${pool.name} (${pool.workersCount} ${pool.workersCount === 1 ? 'worker' : 'workers'})`,
          })),
        ]}
        value={value.workerPool ?? ''}
        onChange={(pool) => set({ workerPool: pool || null })}
        error={faults.workerPool}
        allowDeselect={false}
        searchable
      />
      <TextInput
        label="Runner image"
        description="For workers that run commands in containers; nothing for the account's own"
        value={value.runnerImage ?? ''}
        onChange={(event) => set({ runnerImage: event.currentTarget.value || null })}
        spellCheck={false}
      />
    </Section>
  )
}

type Config = StackInput['vendorConfig']

function changed(config: Config, name: 'opentofu' | 'terraform', more: Shared): NonNullable<Config> {
  return name === 'opentofu'
    ? { opentofu: { ...config?.opentofu, ...more } }
    : { terraform: { ...config?.terraform, ...more } }
}

/** The same settings for the other tool; what only one of the two has begins anew. */
function moved(config: Config, name: 'opentofu' | 'terraform'): NonNullable<Config> {
  const { version, workspace, externalStateAccessEnabled, useSmartSanitization } =
    config?.opentofu ?? config?.terraform ?? {}
  const shared = {
    version: version ?? null,
    workspace: workspace ?? null,
    externalStateAccessEnabled: externalStateAccessEnabled ?? null,
    useSmartSanitization: useSmartSanitization ?? null,
  }
  return name === 'opentofu'
    ? { opentofu: { ...shared, workflowTool: 'OPENTOFU' } }
    : { terraform: { ...shared, workflowTool: 'TERRAFORM_FOSS' } }
}
