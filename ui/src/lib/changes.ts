/** What only one of the two has as it is; lists are compared by what is in them. */
export function changesOf<Value extends object>(before: Value, after: Value): Partial<Value> {
  const names = Object.keys(after) as (keyof Value)[]
  const different = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  return Object.fromEntries(different.map((name) => [name, after[name]])) as Partial<Value>
}
