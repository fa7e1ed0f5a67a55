import { lazy, Suspense, useState } from 'react'
import type { CombinedError } from 'urql'

import { Refused } from '~/graphql/Refused'
import { Action, Button, Code, Coming, Group, Modal, Radio, Stack, Text } from '~/ui'

import type { StackHead } from './here'
import { useStarting } from './starting'

const FileEditor = lazy(() => import('~/environment/FileEditor'))

const EXAMPLE = `# For this run alone
environment:
  TF_LOG: info
`

/** Asks for a configuration that one run is to have, and no other. */
export function RunConfigured({ stack, onClose }: { stack: StackHead; onClose: () => void }) {
  const [yaml, setYaml] = useState(EXAMPLE)
  const [kind, setKind] = useState<'PROPOSED' | 'TRACKED'>('PROPOSED')
  const [error, setError] = useState<CombinedError>()
  const { start, fetching } = useStarting(stack.id)
  const why = kind === 'TRACKED' ? stack.runProblem : stack.previewProblem
  return (
    <Modal opened onClose={onClose} title="Run with its own configuration" size="lg" centered>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why) void start(kind, { yaml }).then(setError)
        }}
      >
        <Stack gap="md">
          <Text size="sm">
            A block as in <Code>.gantry/config.yml</Code>: hooks, <Code>environment</Code>, <Code>project_root</Code>,{' '}
            <Code>runner_image</Code>, <Code>terraform_version</Code> and the like. Each name that stands here replaces
            what the repository&apos;s file and the stack say, for this run alone.
          </Text>
          <Suspense fallback={<Coming height={280} />}>
            <FileEditor label="Configuration" path="this run" text={EXAMPLE} onChange={setYaml} />
          </Suspense>
          <Radio.Group
            label="And then"
            value={kind}
            onChange={(value) => setKind(value === 'TRACKED' ? 'TRACKED' : 'PROPOSED')}
          >
            <Stack gap="xs" mt={6}>
              <Radio value="PROPOSED" label="Preview: plan it, and never apply it" />
              <Radio value="TRACKED" label="Run: plan it, and apply it once its plan is confirmed" />
            </Stack>
          </Radio.Group>
          {error && <Refused title="No run was started" error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Back
            </Button>
            <Action type="submit" loading={fetching} why={why ?? undefined}>
              Start
            </Action>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
