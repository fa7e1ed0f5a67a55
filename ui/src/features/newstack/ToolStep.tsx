import { Autocomplete, SegmentedControl, Stack, Switch, Text, TextInput } from '~/ui'

import { TOOL_NAMES, type Tool } from './draft'
import { choicesOf, standingOf } from './fields'
import type { Wizard } from './useDraft'

/** What runs the code, in which version, and who keeps the state. */
export function ToolStep({ draft, change, told, version }: Wizard) {
  return (
    <Stack gap="md">
      <Stack gap={4}>
        <Text size="sm" fw={500} id="new-stack-tool">
          Tool
        </Text>
        <SegmentedControl
          aria-labelledby="new-stack-tool"
          value={draft.tool}
          onChange={(tool) => change({ tool: tool as Tool, version: '' })}
          data={Object.entries(TOOL_NAMES).map(([value, label]) => ({ value, label }))}
          // Its colours would take their time even for those who want no motion.
          transitionDuration={0}
          style={{ alignSelf: 'flex-start' }}
        />
      </Stack>
      <Autocomplete
        label="Version"
        description="One version, or a range such as ~> 1.5. Leave it empty to take what the worker has."
        placeholder=">= 1.5, < 2"
        value={draft.version}
        onChange={(next) => change({ version: next })}
        data={version.data?.versionCheck.offered ?? []}
        filter={({ options }) => options}
        {...choicesOf(told('version'))}
        autoComplete="off"
        autoFocus
        spellCheck={false}
        {...standingOf('version', told('version'))}
      />
      <Switch
        label="Gantry keeps the state"
        description="Encrypted, with every version of it. This is decided now and stays. Switch it off if the code names a backend of its own."
        checked={draft.manageState}
        onChange={(event) => change({ manageState: event.currentTarget.checked })}
      />
      {draft.manageState ? (
        <Switch
          label="The state can be read from outside"
          description="By other stacks, and by people who may write in its space."
          checked={draft.externalStateAccess}
          onChange={(event) => change({ externalStateAccess: event.currentTarget.checked })}
        />
      ) : (
        <TextInput
          label="Workspace"
          description={`The ${TOOL_NAMES[draft.tool]} workspace that is selected in the backend. Leave it empty for the default one.`}
          value={draft.workspace}
          onChange={(event) => change({ workspace: event.currentTarget.value })}
          autoComplete="off"
          spellCheck={false}
        />
      )}
    </Stack>
  )
}
