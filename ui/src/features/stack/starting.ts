import { useNavigate } from 'react-router'
import { useMutation } from 'urql'

import { graphql } from '~/graphql/gql'
import { to } from '~/lib/paths'

const TriggerMutation = graphql(`
  mutation TriggerRun($stack: ID!, $kind: RunType!, $sha: String, $configuration: RuntimeConfigInput) {
    runTrigger(stack: $stack, runType: $kind, commitSha: $sha, runtimeConfig: $configuration) {
      id
    }
  }
`)

interface Wanted {
  sha?: string
  /** A block of configuration for this run alone, as YAML. */
  yaml?: string
}

/** Starts a run and leads to its page; answers why not, if it was refused. */
export function useStarting(stack: string) {
  const go = useNavigate()
  const [{ fetching }, trigger] = useMutation(TriggerMutation)
  const start = async (kind: 'TRACKED' | 'PROPOSED' | 'DESTROY', { sha, yaml }: Wanted = {}) => {
    const { data, error } = await trigger({
      stack,
      kind,
      sha: sha ?? null,
      configuration: yaml === undefined ? null : { yaml },
    })
    if (data) void go(to.run(stack, data.runTrigger.id))
    return error
  }
  return { start, fetching }
}
