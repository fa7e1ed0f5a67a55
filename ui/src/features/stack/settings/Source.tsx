import { Alert, TagsInput, Text, TextInput } from '~/ui'

import type { Form } from './form'
import { Section } from './Section'

/** Where the code comes from. */
export function Source({ form }: { form: Form }) {
  const { value, set, faults } = form
  const git = value.provider === 'GIT'
  const moves = ['repositoryURL', 'repository', 'namespace', 'branch'].some((name) => name in form.changes)
  return (
    <Section title="Source">
      {!git && (
        <Alert color="orange" title={`Its code is at ${value.provider ?? 'another host'}`}>
          <Text size="sm">
            This installation reads repositories by raw Git. With an address below, the stack is read from there.
          </Text>
        </Alert>
      )}
      <TextInput
        label="Repository URL"
        description="What Git is given: https, ssh or git"
        value={value.repositoryURL ?? ''}
        onChange={(event) => {
          const given = event.currentTarget.value.trim()
          set({ repositoryURL: given || null, ...(given && !git ? { provider: 'GIT' as const } : {}) })
        }}
        error={faults.repositoryURL}
        spellCheck={false}
        required={git}
      />
      <TextInput
        label="Repository"
        description="What it is called in lists and in variables of runs"
        value={value.repository}
        onChange={(event) => set({ repository: event.currentTarget.value })}
        error={faults.repository}
        spellCheck={false}
        required
      />
      <TextInput
        label="Namespace"
        description="Owner, group or project of the repository, if it has one"
        value={value.namespace ?? ''}
        onChange={(event) => set({ namespace: event.currentTarget.value })}
        spellCheck={false}
      />
      <TextInput
        label="Branch"
        description="Its newest commit is what runs are of"
        value={value.branch}
        onChange={(event) => set({ branch: event.currentTarget.value })}
        error={faults.branch}
        spellCheck={false}
        required
      />
      <TextInput
        label="Project root"
        description="The directory that holds the code; nothing for the top of the repository"
        value={value.projectRoot ?? ''}
        onChange={(event) => set({ projectRoot: event.currentTarget.value || null })}
        error={faults.projectRoot}
        spellCheck={false}
      />
      <TagsInput
        label="Sparse checkout"
        description="Paths that runs are given besides the project root; none for the whole repository"
        value={value.gitSparseCheckoutPaths ?? []}
        onChange={(gitSparseCheckoutPaths) => set({ gitSparseCheckoutPaths })}
        error={faults.gitSparseCheckoutPaths}
      />
      {moves && (
        <Text size="sm" c="orange" role="status">
          The branch is looked up anew when this is saved. The state stays: code that does not describe the same
          resources plans to destroy them.
        </Text>
      )}
    </Section>
  )
}
