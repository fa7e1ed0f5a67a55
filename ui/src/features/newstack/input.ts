import type { VariablesOf } from '~/graphql/gql'

import { cleanRoot, commandsOf, HOOKS, nameOf, placeOf, type Draft } from './draft'
import type { CreateStack } from './documents'

export type Creation = VariablesOf<typeof CreateStack>
type Input = Creation['input']

/** The draft as the API takes it: everything that is said, and nothing that is not. */
export function creationOf(draft: Draft): Creation {
  const { repository, namespace } = placeOf(draft.repositoryURL)
  const settings = {
    ...(draft.version.trim() ? { version: draft.version.trim() } : {}),
    ...(draft.workspace.trim() && !draft.manageState ? { workspace: draft.workspace.trim() } : {}),
    ...(draft.externalStateAccess && draft.manageState
      ? { externalStateAccessEnabled: true }
      : {}),
  }
  const input: Input = {
    name: nameOf(draft),
    administrative: false,
    provider: 'GIT',
    repositoryURL: draft.repositoryURL.trim(),
    repository,
    namespace,
    branch: draft.branch.trim(),
    ...said('projectRoot', cleanRoot(draft.projectRoot)),
    vendorConfig:
      draft.tool === 'OPENTOFU'
        ? { opentofu: { ...settings, workflowTool: 'OPENTOFU' } }
        : { terraform: { ...settings, workflowTool: 'TERRAFORM_FOSS' } },
    space: draft.space,
    ...said('description', draft.description.trim()),
    labels: [...draft.labels],
    ...said('workerPool', draft.workerPool),
    ...said('runnerImage', draft.runnerImage.trim()),
    autodeploy: draft.autodeploy,
    githubActionDeploy: draft.promotion,
    localPreviewEnabled: draft.localPreview,
    enableWellKnownSecretMasking: draft.secretMasking,
    enableSensitiveOutputUpload: draft.sensitiveOutputs,
    protectFromDeletion: draft.protectFromDeletion,
  }
  for (const [hook] of HOOKS) {
    const commands = commandsOf(draft, hook)
    if (commands.length > 0) input[hook] = commands
  }
  return { input, manageState: draft.manageState }
}

function said<Name extends string>(name: Name, value: string): Partial<Record<Name, string>> {
  return value ? ({ [name]: value } as Record<Name, string>) : {}
}
