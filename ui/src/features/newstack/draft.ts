/** A stack that is being thought about: what the form holds, kept over reloads in its own tab. */

export type Tool = 'TERRAFORM' | 'OPENTOFU'

export const TOOL_NAMES: Record<Tool, string> = { TERRAFORM: 'Terraform', OPENTOFU: 'OpenTofu' }

/** Where commands may be added, in the order in which a run comes to them. */
export const HOOKS = [
  ['beforeInit', 'Before initializing'],
  ['afterInit', 'After initializing'],
  ['beforePlan', 'Before planning'],
  ['afterPlan', 'After planning'],
  ['beforeApply', 'Before applying'],
  ['afterApply', 'After applying'],
  ['beforePerform', 'Before a task'],
  ['afterPerform', 'After a task'],
  ['beforeDestroy', 'Before destroying'],
  ['afterDestroy', 'After destroying'],
  ['afterRun', 'At the end of every run'],
] as const

export type Hook = (typeof HOOKS)[number][0]

export interface Draft {
  repositoryURL: string
  branch: string
  projectRoot: string
  tool: Tool
  version: string
  manageState: boolean
  externalStateAccess: boolean
  workspace: string
  /** Empty: the suggested one. */
  name: string
  space: string
  description: string
  labels: readonly string[]
  /** Empty: the public worker. */
  workerPool: string
  runnerImage: string
  autodeploy: boolean
  promotion: boolean
  localPreview: boolean
  secretMasking: boolean
  sensitiveOutputs: boolean
  protectFromDeletion: boolean
  /** The commands of each hook, one a line. */
  hooks: Readonly<Partial<Record<Hook, string>>>
}

export const EMPTY: Draft = {
  repositoryURL: '',
  branch: '',
  projectRoot: '',
  tool: 'TERRAFORM',
  version: '',
  manageState: true,
  externalStateAccess: false,
  workspace: '',
  name: '',
  space: 'root',
  description: '',
  labels: [],
  workerPool: '',
  runnerImage: '',
  autodeploy: false,
  promotion: true,
  localPreview: false,
  secretMasking: true,
  sensitiveOutputs: false,
  protectFromDeletion: false,
  hooks: {},
}

export const STEPS = ['code', 'tool', 'behaviour', 'summary'] as const
export type Step = (typeof STEPS)[number]

export function stepOf(text: string | null): Step {
  return STEPS.find((step) => step === text) ?? 'code'
}

/** The repository's name and what stands before it, as an address has them. */
export function placeOf(url: string): { repository: string; namespace: string } {
  const path = url
    .trim()
    .replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '')
    .replace(/^[^/:]*:/, '')
  const parts = path.split('/').filter((part) => part !== '')
  const last = decoded(parts.at(-1) ?? '').replace(/\.git$/, '')
  return { repository: last, namespace: parts.slice(0, -1).map(decoded).join('/') }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** What the stack is called unless somebody says otherwise: its repository and directory. */
export function suggestedName(draft: Draft): string {
  const root = cleanRoot(draft.projectRoot)
  return [placeOf(draft.repositoryURL).repository, ...(root ? [root.replaceAll('/', ' ')] : [])]
    .filter((word) => word !== '')
    .join(' ')
}

export function nameOf(draft: Draft): string {
  return draft.name.trim() || suggestedName(draft)
}

/** The directory as it is sent: without slashes at its ends. */
export function cleanRoot(root: string): string {
  return root
    .split('/')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

/** The commands of a hook: its lines that hold something. */
export function commandsOf(draft: Draft, hook: Hook): string[] {
  return (draft.hooks[hook] ?? '').split('\n').filter((line) => line.trim() !== '')
}

export function isEmpty(draft: Draft): boolean {
  return JSON.stringify(draft) === JSON.stringify(EMPTY)
}

const KEPT_AT = 'gantry:new-stack'

const PASSWORD = /^\s*([a-z][a-z0-9+.-]*:\/\/)[^/]*:[^/]*@/i

/** Whether an address carries a password: the server would refuse it. */
export function hasPassword(url: string): boolean {
  return PASSWORD.test(url)
}

function withoutPassword(url: string): string {
  return url.replace(PASSWORD, '$1')
}

export function keep(draft: Draft, where: Storage = sessionStorage): void {
  try {
    const safe = { ...draft, repositoryURL: withoutPassword(draft.repositoryURL) }
    where.setItem(KEPT_AT, JSON.stringify(safe))
  } catch {
    // A browser that keeps nothing loses the draft on a reload, and nothing else.
  }
}

export function forget(where: Storage = sessionStorage): void {
  try {
    where.removeItem(KEPT_AT)
  } catch {
    // As above.
  }
}

/** The draft of this tab. What an older release kept, or nobody, is as if it were not there. */
export function kept(where: Storage = sessionStorage): Draft {
  try {
    const found: unknown = JSON.parse(where.getItem(KEPT_AT) ?? '{}')
    if (typeof found !== 'object' || found === null) return EMPTY
    const given = found as Record<string, unknown>
    const fitting = Object.entries(EMPTY).filter(
      ([name, value]) =>
        typeof given[name] === typeof value && Array.isArray(given[name]) === Array.isArray(value),
    )
    return { ...EMPTY, ...Object.fromEntries(fitting.map(([name]) => [name, given[name]])) }
  } catch {
    return EMPTY
  }
}
