import type { ResultOf } from '~/graphql/gql'
import {
  CheckLine,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  Text,
  TextInput,
  Textarea,
  Title,
  UnstyledButton,
} from '~/ui'

import type { PlacesQuery } from './documents'
import { HOOKS, suggestedName, type Draft } from './draft'
import { choicesOf, idOf, standingOf } from './fields'
import type { Wizard } from './useDraft'

export type Places = ResultOf<typeof PlacesQuery>

/** What the list of pools calls the worker that belongs to none. */
const PUBLIC = 'public'

const SWITCHES: readonly (readonly [keyof Draft & SwitchName, string, string])[] = [
  ['autodeploy', 'Apply without asking', 'A plan from the branch is applied at once. Otherwise somebody confirms each plan.'],
  ['promotion', 'Proposed runs can be promoted', 'A plan of another commit can be made the next one to apply.'],
  ['localPreview', 'Local previews', 'People may plan what they have on their own disk, without a commit.'],
  ['secretMasking', 'Mask well-known secrets', 'What looks like a key or a token is hidden in logs, whatever it is called.'],
  ['sensitiveOutputs', 'Keep sensitive outputs', 'So that stacks which depend on this one can be given them.'],
  ['protectFromDeletion', 'Protect from deletion', 'Nobody can delete the stack until this is switched off.'],
]

type SwitchName =
  | 'autodeploy'
  | 'promotion'
  | 'localPreview'
  | 'secretMasking'
  | 'sensitiveOutputs'
  | 'protectFromDeletion'

/** What the stack is called, where its runs are performed, and how they behave. */
export function BehaviourStep({ places, ...wizard }: Wizard & { places: Places | undefined }) {
  const { draft, change, told } = wizard
  const proposed = suggestedName(draft)
  return (
    <Stack gap="md">
      <TextInput
        label="Name"
        description={`People find it by this, and its address is made of it.${proposed ? ` Leave it empty to call it “${proposed}”.` : ''}`}
        placeholder={proposed}
        value={draft.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
        autoFocus
        autoComplete="off"
        {...standingOf('name', told('name'))}
      />
      <Textarea
        label="Description"
        value={draft.description}
        onChange={(event) => change({ description: event.currentTarget.value })}
        autosize
        minRows={2}
        maxRows={8}
        {...standingOf('description', told('description'))}
      />
      <TagsInput
        label="Labels"
        description="For filters. Press Enter after each."
        value={[...draft.labels]}
        onChange={(labels) => change({ labels })}
        {...standingOf('labels', told('labels'))}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Select
          label="Space"
          description="Who may see and change it is decided there."
          value={draft.space}
          onChange={(space) => space && change({ space })}
          data={(places?.spaces ?? [{ id: draft.space, name: draft.space }]).map((space) => ({
            value: space.id,
            label: space.name,
          }))}
          allowDeselect={false}
          {...choicesOf(undefined)}
          {...standingOf('space', told('space'))}
        />
        <Workers {...wizard} places={places} />
      </SimpleGrid>
      <TextInput
        label="Runner image"
        description="The container in which workers that use containers run the tool. Leave it empty for the usual one."
        placeholder={
          (draft.workerPool
            ? places?.defaultPrivateWorkerPoolRunnerImage
            : places?.defaultPublicWorkerPoolRunnerImage) ?? ''
        }
        value={draft.runnerImage}
        onChange={(event) => change({ runnerImage: event.currentTarget.value })}
        autoComplete="off"
        spellCheck={false}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {SWITCHES.map(([name, label, description]) => (
          <Switch
            key={name}
            label={label}
            description={description}
            checked={draft[name]}
            onChange={(event) => change({ [name]: event.currentTarget.checked })}
          />
        ))}
      </SimpleGrid>
      <Hooks {...wizard} />
    </Stack>
  )
}

function Workers({ draft, change, told, places }: Wizard & { places: Places | undefined }) {
  const pool = places?.workerPools.find((one) => one.id === draft.workerPool)
  const none = draft.workerPool
    ? pool?.workersCount === 0
    : places?.publicWorkerPool.parallelism === 0
  return (
    <div>
      <Select
        label="Workers"
        description="Which of them perform its runs."
        value={draft.workerPool || PUBLIC}
        onChange={(workerPool) => change({ workerPool: !workerPool || workerPool === PUBLIC ? '' : workerPool })}
        data={[
          { value: PUBLIC, label: 'Public worker' },
          ...(places?.workerPools ?? []).map((one) => ({ value: one.id, label: one.name })),
        ]}
        searchable
        allowDeselect={false}
        {...choicesOf(undefined)}
        {...standingOf('workerPool', told('workerPool'))}
      />
      {none && (
        <CheckLine
          standing="WARNING"
          sentence="None of these workers is here now. Runs wait until one is."
        />
      )}
    </div>
  )
}

function Hooks({ draft, change, told }: Wizard) {
  const used = HOOKS.filter(([hook]) => (draft.hooks[hook] ?? '').trim() !== '').length
  const bad = told('hooks')
  return (
    <details open={used > 0 || bad !== undefined}>
      <UnstyledButton component="summary" mb="xs" id={idOf('hooks')}>
        <Title order={3} size="sm" display="inline">
          Hooks
        </Title>{' '}
        <Text span size="sm" c="dimmed">
          Commands of your own, before and after each phase
        </Text>
      </UnstyledButton>
      {bad && <CheckLine {...bad} />}
      <SimpleGrid cols={{ base: 1, sm: 2 }} mt="xs">
        {HOOKS.map(([hook, label]) => (
          <Textarea
            key={hook}
            label={label}
            placeholder="One command a line"
            value={draft.hooks[hook] ?? ''}
            onChange={(event) =>
              change({ hooks: { ...draft.hooks, [hook]: event.currentTarget.value } })
            }
            autosize
            minRows={1}
            maxRows={8}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          />
        ))}
      </SimpleGrid>
    </details>
  )
}
