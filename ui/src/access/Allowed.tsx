import { Coming, List, Stack, Text } from '~/ui'

import { brings, bySubject, levelAmong, useMeanings, type ActionName, type Meaning } from './actions'

/** What a set of actions allows, in sentences by what it is done to; what a level brings along, too. */
export function Allowed({ actions }: { actions: readonly ActionName[] }) {
  const meanings = useMeanings()
  if (!meanings) return <Coming height={120} />
  const chosen = new Set(actions)
  const level = levelAmong(chosen)
  const named = meanings.filter((one) => chosen.has(one.action))
  const along = meanings.filter((one) => !chosen.has(one.action) && brings(level, one))
  return (
    <Stack gap="sm">
      <Meanings meanings={named} />
      {along.length > 0 && (
        <details>
          <Text component="summary" size="sm">
            {level} brings {along.length} more along
          </Text>
          <Meanings meanings={along} />
        </details>
      )}
    </Stack>
  )
}

function Meanings({ meanings }: { meanings: readonly Meaning[] }) {
  return bySubject(meanings).map(([subject, those]) => (
    <div key={subject}>
      <Text size="sm" fw={600}>
        {subject}
      </Text>
      <List size="sm">
        {those.map((one) => (
          <List.Item key={one.action} title={one.action}>
            {one.sentence}
          </List.Item>
        ))}
      </List>
    </div>
  ))
}
