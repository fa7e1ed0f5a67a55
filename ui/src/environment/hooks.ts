/** The phases that have commands around them, in the order in which a run goes through them. */
export const PHASES = [
  { title: 'Initialize', before: 'beforeInit', after: 'afterInit' },
  { title: 'Plan', before: 'beforePlan', after: 'afterPlan' },
  { title: 'Apply', before: 'beforeApply', after: 'afterApply' },
  { title: 'Destroy', before: 'beforeDestroy', after: 'afterDestroy' },
  { title: 'Task', before: 'beforePerform', after: 'afterPerform' },
  { title: 'Whole run', before: undefined, after: 'afterRun' },
] as const

type Phase = (typeof PHASES)[number]
export type HookName = NonNullable<Phase['before']> | Phase['after']
export type Hooks = Readonly<Record<HookName, readonly string[]>>

export const HOOK_NAMES: readonly HookName[] = PHASES.flatMap(({ before, after }) =>
  before ? [before, after] : [after],
)

/** The hooks among other settings; none is an empty list. */
export function hooksOf(input: Partial<Record<HookName, readonly string[] | null>>): Record<HookName, string[]> {
  return Object.fromEntries(HOOK_NAMES.map((name) => [name, [...(input[name] ?? [])]])) as Record<HookName, string[]>
}

/** As they are saved: without commands that were left empty. */
export function tidied(commands: readonly string[]): string[] {
  return commands.filter((command) => command.trim() !== '')
}

/** "before plan": where the commands stand, in words. */
export function wordsOf(name: HookName): string {
  const phase = PHASES.find(({ before, after }) => before === name || after === name)
  return `${phase?.before === name ? 'before' : 'after'} ${phase?.title.toLowerCase() ?? ''}`
}

/** The list with one of its commands one place further up or down. */
export function moved(commands: readonly string[], at: number, by: 1 | -1): string[] {
  const next = [...commands]
  const [one, other] = [next[at], next[at + by]]
  if (one === undefined || other === undefined) return next
  next[at] = other
  next[at + by] = one
  return next
}
