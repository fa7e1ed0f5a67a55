/** A number in digits, grouped as the viewer's language does. */
export function figure(count: number): string {
  return count.toLocaleString()
}
