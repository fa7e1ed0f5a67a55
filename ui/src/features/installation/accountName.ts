/** The rules of an account's name, each with whether a name keeps it. The server has the same. */
export function rulesOf(name: string): readonly { rule: string; kept: boolean }[] {
  return [
    { rule: '2 to 38 characters', kept: name.length >= 2 && name.length <= 38 },
    { rule: 'Begins with a letter or a digit', kept: /^[A-Za-z0-9]/.test(name) },
    {
      rule: 'Only letters (A to Z), digits, dashes and underscores',
      kept: name !== '' && /^[A-Za-z0-9_-]*$/.test(name),
    },
  ]
}
