/** What the labels of a context do besides being found by. */

const AUTOATTACH = 'autoattach:'

/** The labels that attach it by themselves, in words; `*` stands for every stack. */
export function attaching(labels: readonly string[]): readonly { label: string; words: string }[] {
  return labels
    .filter((label) => label.startsWith(AUTOATTACH) && label.length > AUTOATTACH.length)
    .map((label) => {
      const wanted = label.slice(AUTOATTACH.length)
      return { label, words: wanted === '*' ? 'every stack' : `stacks with the label ${wanted}` }
    })
}

/** The labels without those that attach it: a copy begins attached to nothing. */
export function unattached(labels: readonly string[]): string[] {
  return labels.filter((label) => !label.startsWith(AUTOATTACH))
}
