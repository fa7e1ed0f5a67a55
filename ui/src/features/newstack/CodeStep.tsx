import { Autocomplete, Button, Stack, Text, TextInput } from '~/ui'

import { choicesOf, standingOf } from './fields'
import type { Wizard } from './useDraft'

/** Where the code is: looked at while it is typed. */
export function CodeStep({ draft, change, told, source, again }: Wizard) {
  const found = source.data?.sourceCheck
  const unread = told('repositoryURL')
  const answered = found !== undefined || source.error !== undefined
  return (
    <Stack gap="md">
      <TextInput
        label="Repository"
        description="The address that Git is given. Passwords and keys are kept by the operator, never in the address."
        placeholder="https://git.example.com/acme/infrastructure.git"
        value={draft.repositoryURL}
        onChange={(event) => change({ repositoryURL: event.currentTarget.value })}
        autoComplete="off"
        spellCheck={false}
        {...standingOf('repositoryURL', unread)}
      />
      {answered && unread && (unread.standing === 'PROBLEM' || unread.standing === 'UNKNOWN') && (
        <Button variant="default" size="xs" onClick={again} style={{ alignSelf: 'flex-start' }}>
          Check again
        </Button>
      )}
      <Autocomplete
        label="Branch"
        description="Commits on it start runs. A tag stays where it is."
        value={draft.branch}
        onChange={(branch) => change({ branch })}
        data={found?.branches ?? []}
        autoComplete="off"
        spellCheck={false}
        maxDropdownHeight={260}
        {...choicesOf(told('branch'))}
        {...standingOf('branch', told('branch'))}
      />
      <Autocomplete
        label="Project root"
        description="The directory with the code. Leave it empty for the top of the repository."
        placeholder="infra/network"
        value={draft.projectRoot}
        onChange={(projectRoot) => change({ projectRoot })}
        data={found?.directories ?? []}
        autoComplete="off"
        spellCheck={false}
        maxDropdownHeight={260}
        {...choicesOf(told('projectRoot'))}
        {...standingOf('projectRoot', told('projectRoot'))}
      />
      {found?.moreBranches || found?.moreDirectories ? (
        <Text size="xs" c="dimmed">
          Not everything is suggested: there is more in the repository. Type some letters.
        </Text>
      ) : null}
    </Stack>
  )
}
