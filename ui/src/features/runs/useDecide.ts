import { useMutation, type AnyVariables, type TypedDocumentNode } from 'urql'

import { graphql } from '~/graphql/gql'
import { problemOf, type Problem } from '~/graphql/problem'

import type { Run, Verb } from './decisions'

const ConfirmRun = graphql(`
  mutation ConfirmRun($stack: ID!, $run: ID!, $note: String) {
    runConfirm(stack: $stack, run: $run, note: $note) { id state }
  }
`)
const DiscardRun = graphql(`
  mutation DiscardRun($stack: ID!, $run: ID!, $note: String) {
    runDiscard(stack: $stack, run: $run, note: $note) { id state }
  }
`)
const CancelRun = graphql(`
  mutation CancelRun($stack: ID!, $run: ID!, $note: String) {
    runCancel(stack: $stack, run: $run, note: $note) { id state }
  }
`)
const StopRun = graphql(`
  mutation StopRun($stack: ID!, $run: ID!, $note: String) {
    runStop(stack: $stack, run: $run, note: $note) { id state }
  }
`)
const KillRun = graphql(`
  mutation KillRun($stack: ID!, $run: ID!, $note: String) {
    runKill(stack: $stack, run: $run, note: $note) { id state }
  }
`)
const ReviewRun = graphql(`
  mutation ReviewRun($stack: ID!, $run: ID!, $decision: RunReviewDecision!, $note: String) {
    runReview(stack: $stack, run: $run, decision: $decision, note: $note) { id decision }
  }
`)
const RetryRun = graphql(`
  mutation RetryRun($stack: ID!, $run: ID!) {
    runRetry(stack: $stack, run: $run) { id state }
  }
`)
const PromoteRun = graphql(`
  mutation PromoteRun($stack: ID!, $run: ID!) {
    runPromote(stack: $stack, run: $run) { id state }
  }
`)
const PrioritizeRun = graphql(`
  mutation PrioritizeRun($stack: ID!, $run: ID!, $prioritize: Boolean!) {
    runPrioritizeSet(stack: $stack, run: $run, prioritize: $prioritize) { id priority }
  }
`)

interface Answer {
  problem?: Problem | undefined
  /** The run that was started. */
  run?: string | undefined
}

/** Does what was decided, and answers why not, if it was refused. */
export function useDecide(stack: string, run: Run) {
  const confirm = useAnswer(ConfirmRun)
  const discard = useAnswer(DiscardRun)
  const cancel = useAnswer(CancelRun)
  const stop = useAnswer(StopRun)
  const kill = useAnswer(KillRun)
  const review = useAnswer(ReviewRun)
  const retry = useAnswer(RetryRun, (data) => data.runRetry.id)
  const promote = useAnswer(PromoteRun, (data) => data.runPromote.id)
  const prioritize = useAnswer(PrioritizeRun)
  return (verb: Verb, note: string | null): Promise<Answer> => {
    const it = { stack, run: run.id }
    switch (verb) {
      case 'confirm':
        return confirm({ ...it, note })
      case 'discard':
        return discard({ ...it, note })
      case 'cancel':
        return cancel({ ...it, note })
      case 'stop':
        return stop({ ...it, note })
      case 'kill':
        return kill({ ...it, note })
      case 'approve':
        return review({ ...it, note, decision: 'APPROVE' })
      case 'reject':
        return review({ ...it, note, decision: 'REJECT' })
      case 'retry':
        return retry(it)
      case 'promote':
        return promote(it)
      case 'prioritize':
        return prioritize({ ...it, prioritize: run.priority <= 0 })
    }
  }
}

function useAnswer<Data, Variables extends AnyVariables>(
  mutation: TypedDocumentNode<Data, Variables>,
  started?: (data: Data) => string,
) {
  const [, act] = useMutation<Data, Variables>(mutation)
  return async (variables: Variables): Promise<Answer> => {
    const { data, error } = await act(variables)
    return { problem: error && problemOf(error), run: data && !error ? started?.(data) : undefined }
  }
}
