/** An output as people read it: a text without its quotes, anything larger one value a line. */
export function shown(json: string): string {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
  } catch {
    return json
  }
}
