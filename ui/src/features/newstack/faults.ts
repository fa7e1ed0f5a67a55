/** What is wrong with a draft, by field: what the form sees itself, and what the server says. */

import { cleanRoot, hasPassword, nameOf, type Draft, type Step } from './draft'

export type Field =
  | 'repositoryURL'
  | 'branch'
  | 'projectRoot'
  | 'version'
  | 'name'
  | 'space'
  | 'description'
  | 'labels'
  | 'workerPool'
  | 'hooks'

export type Faults = Partial<Record<Field, string>>

export const STEP_OF: Record<Field, Step> = {
  repositoryURL: 'code',
  branch: 'code',
  projectRoot: 'code',
  version: 'tool',
  name: 'behaviour',
  space: 'behaviour',
  description: 'behaviour',
  labels: 'behaviour',
  workerPool: 'behaviour',
  hooks: 'behaviour',
}

/** Said at once, and instead of asking the server: what is not sent needs not be replaced. */
export const PASSWORD =
  'Take the password out of the address, which everybody sees who sees the stack. The operator keeps passwords for Git.'

/** What nobody has to ask the server about. */
export function missing(draft: Draft): Faults {
  const faults: Faults = {}
  if (!draft.repositoryURL.trim()) faults.repositoryURL = 'Give the address of the repository.'
  if (hasPassword(draft.repositoryURL)) faults.repositoryURL = PASSWORD
  if (!draft.branch.trim()) faults.branch = 'Give the branch that the stack follows.'
  if (draft.projectRoot.trim().startsWith('/') || cleanRoot(draft.projectRoot).split('/').includes('..'))
    faults.projectRoot = 'Give a directory inside of the repository.'
  if (!nameOf(draft)) faults.name = 'Give the stack a name.'
  return faults
}

/** How the server's faults begin, and which field each belongs to. */
const PREFIXES: readonly (readonly [string, Field])[] = [
  ['repository URL: ', 'repositoryURL'],
  ['repository: ', 'repositoryURL'],
  ['project root: ', 'projectRoot'],
  ['worker pool: ', 'workerPool'],
  ['branch: ', 'branch'],
  ['name: ', 'name'],
  ['description: ', 'description'],
  ['labels: ', 'labels'],
  ['hooks: ', 'hooks'],
  ['terraform: ', 'version'],
  ['opentofu: ', 'version'],
]

/** The faults in an answer such as "stack has 2 errors: name: …; labels: …"; none if it is another. */
export function faultsOf(sentence: string): Faults {
  const found = /^stack has \d+ errors?: (.+)$/s.exec(sentence)
  const faults: Faults = {}
  let last: Field | undefined
  for (const part of (found?.[1] ?? '').split('; ')) {
    const begun = PREFIXES.find(([prefix]) => part.startsWith(prefix))
    if (begun) {
      const [prefix, field] = begun
      const said = part.slice(prefix.length)
      faults[field] = faults[field] ? `${faults[field]}; ${said}` : said
      last = field
    } else if (last) {
      // A fault may hold a semicolon of its own.
      faults[last] = `${faults[last] ?? ''}; ${part}`
    }
  }
  return Object.fromEntries(
    Object.entries(faults).map(([field, said]) => [field, `${said.charAt(0).toUpperCase()}${said.slice(1)}.`]),
  )
}
