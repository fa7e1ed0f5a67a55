import { useEffect, useRef, useState } from 'react'
import { Link, useNavigate, useSearchParams } from 'react-router'
import { useClient, useMutation, useQuery } from 'urql'

import { problemOf, type Problem } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { Anchor, Box, Button, Group, Stack, Stepper, Text, Title, Trouble, useMediaQuery, WizardStep } from '~/ui'

import { BehaviourStep } from './BehaviourStep'
import { CodeStep } from './CodeStep'
import { CreateStack, PlacesQuery, SourceCheckQuery } from './documents'
import { forget, isEmpty, STEPS, stepOf, type Step } from './draft'
import { faultsOf, STEP_OF, type Field } from './faults'
import { idOf } from './fields'
import { creationOf } from './input'
import { Made } from './Made'
import { SummaryStep } from './SummaryStep'
import { ToolStep } from './ToolStep'
import { asked, firstProblem, useDraft } from './useDraft'

const TITLES: Record<Step, string> = {
  code: 'Code',
  tool: 'Tool and state',
  behaviour: 'Name and behaviour',
  summary: 'Summary',
}

/** Makes a stack, step by step; nothing is made before the last one. */
export default function NewStack() {
  const [params] = useSearchParams()
  const made = params.get('made')
  return made ? <Made id={made} key={made} /> : <Form />
}

function Form() {
  const [params, setParams] = useSearchParams()
  const wizard = useDraft()
  const [{ data: places }] = useQuery({ query: PlacesQuery })
  const creation = useCreation(wizard)
  const step = wizard.reachable(stepOf(params.get('step')))
  const at = STEPS.indexOf(step)
  const small = useMediaQuery('(max-width: 48em)')
  const go = (next: Step) => {
    setParams({ step: next })
    window.scrollTo({ top: 0 })
  }
  const on = useGoingOn(wizard, step, () => go(STEPS[at + 1] ?? 'summary'))

  return (
    <Stack gap="lg" maw={860}>
      <Group justify="space-between" align="baseline">
        <Title order={1}>Create a stack</Title>
        {!isEmpty(wizard.draft) && (
          <Button
            variant="subtle"
            color="gray"
            size="compact-sm"
            onClick={() => {
              wizard.startOver()
              go('code')
            }}
          >
            Start over
          </Button>
        )}
      </Group>
      <Stepper
        active={at}
        size={small ? 'xs' : 'sm'}
        wrap={false}
        onStepClick={(index) => go(STEPS[index] ?? 'code')}
        allowNextStepsSelect={false}
      >
        {STEPS.map((one, n) => (
          <WizardStep
            key={one}
            label={small ? undefined : TITLES[one]}
            aria-label={TITLES[one]}
            {...(n === at ? { 'aria-current': 'step' as const } : {})}
            why={n > at ? `It comes after “${TITLES[STEPS[n - 1] ?? step]}”: go on with Next.` : undefined}
          />
        ))}
      </Stepper>
      <form
        aria-labelledby="new-stack-step"
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          if (step === 'summary') void creation.create(go)
          else on.next()
        }}
      >
        <Stack gap="lg">
          <Title order={2} id="new-stack-step">
            <Text span c="dimmed" fw={400} inherit>
              {at + 1} of {STEPS.length}:
            </Text>{' '}
            {TITLES[step]}
          </Title>
          {creation.refusal && (
            <Trouble
              title={creation.unsure ? 'No answer came' : 'Nothing was made'}
              {...creation.refusal}
            />
          )}
          {creation.unsure && (
            <Text size="sm">
              The stack may have been made all the same.{' '}
              <Anchor component={Link} to={to.stacks()} inherit>
                Look into the list
              </Anchor>{' '}
              before you create it again.
            </Text>
          )}
          <Box>
            {step === 'code' && <CodeStep {...wizard} />}
            {step === 'tool' && <ToolStep {...wizard} />}
            {step === 'behaviour' && <BehaviourStep {...wizard} places={places} />}
            {step === 'summary' && <SummaryStep {...wizard} places={places} go={go} />}
          </Box>
          <Group justify="space-between">
            {at > 0 ? (
              <Button variant="default" onClick={() => go(STEPS[at - 1] ?? 'code')}>
                Back
              </Button>
            ) : (
              <Button variant="default" component={Link} to={to.stacks()}>
                Back to the stacks
              </Button>
            )}
            {step === 'summary' ? (
              <Button type="submit" loading={creation.busy}>
                Create stack
              </Button>
            ) : (
              <Button type="submit" loading={on.waits}>
                Next
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Stack>
  )
}

type Known = ReturnType<typeof useDraft>

/** Next: waits for what is being looked at, then goes on, or to the first field that is wrong. */
function useGoingOn(wizard: Known, step: Step, forward: () => void) {
  const [waits, setWaits] = useState<Step>()
  const waiting = wizard.waiting(step)
  const [first] = wizard.blocked(step)
  const now = useRef({ step, first, forward })
  const pending = useRef<() => void>(undefined)
  useEffect(() => {
    now.current = { step, first, forward }
    if (waiting && !first) return
    pending.current?.()
    pending.current = undefined
  })
  const next = () => {
    wizard.insist(step)
    setWaits(step)
    // Called once the answers are there, which they are mostly already.
    pending.current = () => {
      setWaits(undefined)
      if (now.current.step !== step) return
      if (now.current.first) document.getElementById(idOf(now.current.first))?.focus()
      else now.current.forward()
    }
  }
  return { waits: waits === step, next }
}

/** The last look and the one call that makes the stack. */
function useCreation(wizard: Known) {
  const client = useClient()
  const navigate = useNavigate()
  const [, send] = useMutation(CreateStack)
  const [busy, setBusy] = useState(false)
  const [refusal, setRefusal] = useState<Problem>()
  const [unsure, setUnsure] = useState(false)

  const create = async (go: (step: Step) => void) => {
    if (busy) return
    setBusy(true)
    setRefusal(undefined)
    setUnsure(false)
    const refused = await attempt(go)
    setBusy(false)
    setRefusal(refused)
  }

  const attempt = async (go: (step: Step) => void): Promise<Problem | undefined> => {
    const question = asked(wizard.draft)
    if (!question) return { sentence: 'Give the address of the repository.', code: undefined }
    // The branch that was there at the first step may be gone by now.
    const look = await client
      .query(SourceCheckQuery, question, { requestPolicy: 'network-only' })
      .toPromise()
    if (look.error) return problemOf(look.error)
    const found = firstProblem(look.data)
    if (found) {
      wizard.again()
      go('code')
      return { sentence: found.sentence, code: found.code ?? undefined }
    }
    const { data, error } = await send(creationOf(wizard.draft))
    if (error?.networkError) {
      setUnsure(true)
      return { sentence: 'The server cannot be reached.', code: undefined }
    }
    if (error) {
      const problem = problemOf(error)
      const faults = faultsOf(problem.sentence)
      wizard.refuse(faults)
      const [first] = Object.keys(faults) as Field[]
      if (first) go(STEP_OF[first])
      return problem
    }
    if (data) {
      forget()
      void navigate(`${to.newStack()}?made=${encodeURIComponent(data.stackCreate.id)}`, { replace: true })
    }
    return undefined
  }

  return { busy, refusal, unsure, create }
}
