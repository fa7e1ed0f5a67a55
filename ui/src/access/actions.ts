import { useQuery } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'

const ActionsQuery = graphql(`
  query Actions {
    actions {
      action
      subject
      sentence
      broughtBy
    }
  }
`)

export type Meaning = ResultOf<typeof ActionsQuery>['actions'][number]
export type ActionName = Meaning['action']
export type Level = Meaning['broughtBy']

/** What every action lets one do; asked for once. */
export function useMeanings(): readonly Meaning[] | undefined {
  const [{ data }] = useQuery({ query: ActionsQuery, requestPolicy: 'cache-first' })
  return data?.actions
}

const LEVELS: readonly (readonly [ActionName, Level])[] = [
  ['SPACE_READ', 'READ'],
  ['SPACE_WRITE', 'WRITE'],
  ['SPACE_ADMIN', 'ADMIN'],
]

/** Sets of actions that people begin with: each holds the ones before it. */
export const PRESETS: readonly { label: string; actions: readonly ActionName[] }[] = [
  { label: 'Reader', actions: ['SPACE_READ'] },
  { label: 'Writer', actions: ['SPACE_READ', 'SPACE_WRITE'] },
  { label: 'Admin', actions: ['SPACE_READ', 'SPACE_WRITE', 'SPACE_ADMIN'] },
]

/** The highest of the levels among the actions. */
export function levelAmong(actions: ReadonlySet<ActionName>): ActionName | undefined {
  return LEVELS.findLast(([action]) => actions.has(action))?.[0]
}

/** Whether the level brings the action along. */
export function brings(level: ActionName | undefined, meaning: Meaning): boolean {
  const place = LEVELS.findIndex(([action]) => action === level)
  const wanted = LEVELS.findIndex(([, name]) => name === meaning.broughtBy)
  return place !== -1 && wanted <= place
}

/** "STACK_LOCK" of "Stack" is "lock": what is done, in words. */
export function verbOf({ action, subject }: Meaning): string {
  const words = action.toLowerCase().split('_')
  const told = subject.toLowerCase().split(' ')
  const rest = told.every((word, n) => words[n] === word) ? words.slice(told.length) : words
  return rest.join(' ')
}

/** The actions by what they are done to, in the order of the API, of which the words hold. */
export function bySubject(meanings: readonly Meaning[], words = ''): [subject: string, actions: Meaning[]][] {
  const wanted = words.toLowerCase().split(/\s+/).filter((word) => word !== '')
  const groups = new Map<string, Meaning[]>()
  for (const one of meanings) {
    const text = `${one.action.toLowerCase()} ${one.action.toLowerCase().replaceAll('_', ' ')} ${one.sentence.toLowerCase()}`
    if (!wanted.every((word) => text.includes(word))) continue
    groups.set(one.subject, [...(groups.get(one.subject) ?? []), one])
  }
  return [...groups]
}
