import { useEffect, useRef, useState } from 'react'

import { problemOf } from '~/graphql/problem'
import type { ResultOf, VariablesOf } from '~/graphql/gql'
import type { Standing } from '~/ui'

import { SourceCheckQuery, VersionCheckQuery } from './documents'
import { cleanRoot, EMPTY, hasPassword, keep, kept, STEPS, type Draft, type Step } from './draft'
import { missing, PASSWORD, STEP_OF, type Faults, type Field } from './faults'
import { useCheck, type Check } from './useCheck'

type SourceFound = ResultOf<typeof SourceCheckQuery>
type VersionFound = ResultOf<typeof VersionCheckQuery>

/** How a field stands, as the form shows it. */
export interface Told {
  standing: Standing
  sentence: string
  code?: string | null | undefined
}

export interface Wizard {
  draft: Draft
  change: (part: Partial<Draft>) => void
  told: (field: Field) => Told | undefined
  source: Check<SourceFound>
  version: Check<VersionFound>
  /** Look at the repository once more: somebody may have mended it meanwhile. */
  again: () => void
}

/** What the source check is asked: nothing without an address, and a branch before its directory. */
export function asked(draft: Draft): VariablesOf<typeof SourceCheckQuery> | undefined {
  const repositoryURL = draft.repositoryURL.trim()
  if (!repositoryURL || hasPassword(repositoryURL)) return undefined
  const branch = draft.branch.trim()
  return {
    input: {
      repositoryURL,
      space: draft.space,
      tool: draft.tool,
      ...(branch ? { branch, projectRoot: cleanRoot(draft.projectRoot) } : {}),
    },
  }
}

/** The first thing that cannot work, of what a look at the source found. */
export function firstProblem(found: SourceFound | undefined): Told | undefined {
  const { repository, branch, projectRoot } = found?.sourceCheck ?? {}
  return [repository, branch, projectRoot].find((one) => one?.standing === 'PROBLEM') ?? undefined
}

/** The draft with everything that is known of it. */
export function useDraft() {
  const [draft, setDraft] = useState<Draft>(() => kept())
  const [refused, setRefused] = useState<Faults>({})
  const [tried, setTried] = useState<readonly Step[]>([])
  const [turn, setTurn] = useState(0)
  const branchTouched = useRef(draft.branch !== '')
  useEffect(() => keep(draft), [draft])

  const source = useCheck(SourceCheckQuery, asked(draft), turn)
  const version = useCheck(VersionCheckQuery, {
    input: { tool: draft.tool, space: draft.space, version: draft.version.trim() },
  })
  const local = missing(draft)

  const change = (part: Partial<Draft>) => {
    if ('branch' in part) branchTouched.current = true
    setDraft((now) => ({ ...now, ...part }))
    setRefused((now) =>
      Object.fromEntries(Object.entries(now).filter(([field]) => !(field in part))),
    )
  }

  const proposed = source.data?.sourceCheck.defaultBranch
  useEffect(() => {
    if (proposed && !branchTouched.current) setDraft((now) => ({ ...now, branch: now.branch || proposed }))
  }, [proposed])

  const told = (field: Field): Told | undefined => {
    const shown = tried.includes(STEP_OF[field]) || local[field] === PASSWORD
    const fault = refused[field] ?? (shown ? local[field] : undefined)
    if (fault) return { standing: 'PROBLEM', sentence: fault }
    if (field === 'version') return answer(version, version.data?.versionCheck.version, 'Looking it up…')
    const found = source.data?.sourceCheck
    if (field === 'repositoryURL') return answer(source, found?.repository, 'Asking the repository…')
    const waits = source.waiting && draft.branch.trim() !== '' ? 'Looking…' : undefined
    if (field === 'branch') return answer(source, found?.branch, waits)
    if (field === 'projectRoot') return answer(source, found?.projectRoot, waits)
    return undefined
  }

  /** Fields of a step with which it cannot go on, the first one first. */
  const blocked = (step: Step): Field[] =>
    (Object.keys(STEP_OF) as Field[]).filter(
      (field) =>
        STEP_OF[field] === step &&
        (local[field] !== undefined || told(field)?.standing === 'PROBLEM'),
    )

  const startOver = () => {
    branchTouched.current = false
    setDraft(EMPTY)
    setRefused({})
    setTried([])
  }

  const wizard: Wizard = { draft, change, told, source, version, again: () => setTurn(turn + 1) }
  return {
    ...wizard,
    blocked,
    /** The step that is shown: none comes before what it needs was said. */
    reachable: (wanted: Step): Step =>
      STEPS.find(
        (step) => step === wanted || Object.keys(local).some((field) => STEP_OF[field as Field] === step),
      ) ?? 'code',
    waiting: (step: Step) =>
      (step === 'code' && source.waiting) || (step === 'tool' && version.waiting),
    /** From now on the step shows what is missing in it. */
    insist: (step: Step) => setTried((now) => (now.includes(step) ? now : [...now, step])),
    refuse: setRefused,
    startOver,
  }
}

function answer(
  check: Check<unknown>,
  found: Told | null | undefined,
  waiting: string | undefined,
): Told | undefined {
  if (check.waiting) return waiting ? { standing: 'WAITING', sentence: waiting } : undefined
  if (check.error && waiting) {
    const { sentence, code } = problemOf(check.error)
    return { standing: 'UNKNOWN', sentence: `It could not be checked. ${sentence}`, code }
  }
  return found ?? undefined
}
