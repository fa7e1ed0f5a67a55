/** How two values of a plan differ, attribute by attribute. */

/** What the server puts in the place of secrets, and of what is known only after the apply. */
export const SECRET = '(sensitive value)'
export const COMPUTED = '(known after apply)'

/** Characters of one value: a whole file may be one. */
const MOST_SHOWN = 2_000

export type Value = string | number | boolean | null | undefined | Value[] | { [key: string]: Value }

export interface Difference {
  /** `tags.Name`, `ingress[0].from_port` */
  path: string
  kind: 'added' | 'removed' | 'changed' | 'same'
  before: string | undefined
  after: string | undefined
}

/** Every attribute of both values, in the order of the paths; unchanged ones as `same`. */
export function differences(before: Value, after: Value): Difference[] {
  const found: Difference[] = []
  walk('', before, after, found)
  return found
}

function walk(path: string, before: Value, after: Value, found: Difference[]): void {
  if (isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after)) {
    for (const key of keysOf(before, after)) {
      walk(step(path, key, Array.isArray(before)), child(before, key), child(after, key), found)
    }
    return
  }
  if (isTree(before) && (after === undefined || after === null)) return leaves(path, before, 'removed', found)
  if (isTree(after) && (before === undefined || before === null)) {
    return leaves(path, after, 'added', found)
  }
  const [was, is] = [shown(before), shown(after)]
  if (was === undefined && is === undefined) return
  const kind = was === is ? 'same' : was === undefined ? 'added' : is === undefined ? 'removed' : 'changed'
  found.push({ path: path || '(value)', kind, before: was, after: is })
}

function leaves(path: string, value: Value, kind: 'added' | 'removed', found: Difference[]): void {
  if (isTree(value) && keysOf(value).length > 0) {
    for (const key of keysOf(value)) {
      leaves(step(path, key, Array.isArray(value)), child(value, key), kind, found)
    }
    return
  }
  const text = shown(value)
  if (text === undefined) return
  found.push({
    path: path || '(value)',
    kind,
    before: kind === 'removed' ? text : undefined,
    after: kind === 'added' ? text : undefined,
  })
}

function isTree(value: Value): value is Value[] | { [key: string]: Value } {
  return typeof value === 'object' && value !== null
}

function keysOf(...trees: (Value[] | { [key: string]: Value })[]): string[] {
  const keys = new Set(trees.flatMap((tree) => Object.keys(tree)))
  const sorted = [...keys]
  return trees.every(Array.isArray) ? sorted.toSorted((a, b) => Number(a) - Number(b)) : sorted.toSorted()
}

function child(tree: Value[] | { [key: string]: Value }, key: string): Value {
  return Array.isArray(tree) ? tree[Number(key)] : tree[key]
}

function step(path: string, key: string, list: boolean): string {
  if (list) return `${path}[${key}]`
  const plain = /^[A-Za-z_][\w-]*$/.test(key)
  if (!plain) return `${path}[${JSON.stringify(key)}]`
  return path ? `${path}.${key}` : key
}

/** A value as Terraform writes it; nothing for what is not there. */
function shown(value: Value): string | undefined {
  if (value === undefined || value === null) return undefined
  if (value === SECRET || value === COMPUTED) return value
  const text = JSON.stringify(value)
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)} …` : text
}
