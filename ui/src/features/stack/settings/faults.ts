import type { StackInput } from './settings'

export type Field = keyof StackInput
export type Faults = Partial<Record<Field, string>>

const UNSEEN = /[\p{Cc}]/u

/** What can be seen to be wrong without asking the server, which has the last word. */
export function faultsOf(input: StackInput): Faults {
  const faults: Faults = {}
  for (const [field, longest] of [
    ['name', 255],
    ['branch', 255],
    ['repository', 255],
  ] as const) {
    const text = input[field].trim()
    if (text === '') faults[field] = 'It cannot be empty.'
    else if (text.length > longest) faults[field] = `It has at most ${longest} characters.`
    else if (UNSEEN.test(text)) faults[field] = 'It has a character that cannot be seen.'
  }
  const root = input.projectRoot ?? ''
  if (root.startsWith('/')) faults.projectRoot = 'It begins in the repository: without a / in front.'
  else if (root.split('/').includes('..')) faults.projectRoot = 'It stays inside the repository: without ..'
  if (input.provider === 'GIT' && !input.repositoryURL) {
    faults.repositoryURL = 'Raw Git needs the address of the repository.'
  }
  if ((input.labels ?? []).length > 100) faults.labels = 'There are at most 100 labels.'
  return faults
}

const SAID: Readonly<Record<string, Field>> = {
  name: 'name',
  branch: 'branch',
  repository: 'repository',
  'repository URL': 'repositoryURL',
  'project root': 'projectRoot',
  'sparse checkout': 'gitSparseCheckoutPaths',
  description: 'description',
  labels: 'labels',
  terraform: 'vendorConfig',
  opentofu: 'vendorConfig',
  'worker pool': 'workerPool',
}

/** The faults that the server lists in one sentence, each beside its field. */
export function faultsSaid(sentence: string): Faults {
  const list = /^stack has \d+ errors?: (.*)$/s.exec(sentence)?.[1]
  const faults: Faults = {}
  for (const part of list?.split('; ') ?? []) {
    const [what = '', ...words] = part.split(': ')
    const field = SAID[what]
    if (field) faults[field] = words.join(': ')
  }
  return faults
}

const NAMES: Partial<Record<Field, string>> = {
  repositoryURL: 'repository URL',
  projectRoot: 'project root',
  autodeploy: 'deploy by itself',
  githubActionDeploy: 'promoting previews',
  localPreviewEnabled: 'local previews',
  protectFromDeletion: 'protection from deletion',
  enableWellKnownSecretMasking: 'masking',
  enableSensitiveOutputUpload: 'sensitive outputs',
  workerPool: 'worker pool',
  runnerImage: 'runner image',
  vendorConfig: 'tool',
  additionalProjectGlobs: 'further paths',
  gitSparseCheckoutPaths: 'sparse checkout',
  autoretry: 'retries',
}

/** What a setting is called in a sentence. */
export function nameOf(field: Field): string {
  return NAMES[field] ?? field.replaceAll(/([A-Z])/g, ' $1').toLowerCase()
}
