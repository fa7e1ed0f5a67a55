import { IconCheck, IconClock, IconX } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'

import { Button, ErrorCode, Group, Loader, Progress, Stack, Text, tell } from '~/ui'

import classes from './Listing.module.css'
import type { Bulk, BulkAction } from './types'
import { tally, work, type Step } from './work'

/** As many as are told one by one; the others are counted. */
const TOLD = 200
/** Milliseconds between two looks at how far it is. The list behind follows what happens by itself. */
const LOOK = 120

interface WorkProps<Row> {
  action: BulkAction<Row>
  rows: readonly Row[]
  given: string
  noun: Bulk<Row>['noun']
  keyOf: (row: Row) => string
  nameOf: (row: Row) => string
  onAgain: (rows: readonly Row[]) => void
  /** It is over, and the list is to be right at once. */
  onOver: (() => void) | undefined
  onClose: () => void
}

/** Does it with one after the other, tells of each, and can be stopped. */
export function BulkWork<Row>(props: WorkProps<Row>) {
  const { action, rows, noun } = props
  const { steps, over, stopping, stop } = useWork(props)
  const count = tally(steps)
  const through = count.done + count.refused
  const refused = rows.filter((_, n) => isRefused(steps[n]))
  const rest = rows.filter((_, n) => steps[n] === 'waits' || isRefused(steps[n]))
  const said = over
    ? `${count.done} of ${rows.length} ${noun[rows.length === 1 ? 0 : 1]} done`
    : `${through} of ${rows.length} ${noun[rows.length === 1 ? 0 : 1]}`
  return (
    <Stack className={classes.bulk ?? ''} role="region" aria-label={`${action.label}: progress`} gap="xs">
      <Group gap="sm">
        {!over && <Loader size={16} aria-hidden />}
        <Text size="sm" fw={600} role="status">
          {action.label}: {said}
          {count.refused > 0 && `, ${count.refused} refused`}
          {over && count.waits > 0 && `, ${count.waits} not begun`}
        </Text>
        <Group gap="xs" ml="auto">
          {!over && (
            <Button size="xs" variant="default" loading={stopping} onClick={stop}>
              Stop
            </Button>
          )}
          {over && rest.length > 0 && (
            <Button size="xs" variant="default" onClick={() => props.onAgain(rest)}>
              Try the other {rest.length === 1 ? noun[0] : `${rest.length} ${noun[1]}`} again
            </Button>
          )}
          {over && (
            <Button size="xs" onClick={props.onClose}>
              Close
            </Button>
          )}
        </Group>
      </Group>
      <Progress.Root size="sm" aria-hidden>
        <Progress.Section value={(100 * count.done) / rows.length} color="green" />
        <Progress.Section value={(100 * count.refused) / rows.length} color="red" />
      </Progress.Root>
      {!over && (
        <Text size="xs" c="dimmed">
          Stopping ends what is under way and begins nothing else. Leaving this page stops it, too.
        </Text>
      )}
      <Items {...props} steps={steps} refused={refused.length} />
    </Stack>
  )
}

function isRefused(step: Step | undefined): boolean {
  return typeof step === 'object' && step.is === 'refused'
}

/** Refusals first: they are what there is to do. */
function Items<Row>(props: WorkProps<Row> & { steps: readonly Step[]; refused: number }) {
  const { rows, steps } = props
  const order = rows.map((row, n) => ({ row, step: steps[n] ?? 'waits' }))
  const first = props.refused > 0 ? order.toSorted((a, b) => rank(a.step) - rank(b.step)) : order
  return (
    // What scrolls has to be reached by keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <ul className={classes.items ?? ''} aria-label="One by one" tabIndex={0}>
      {first.slice(0, TOLD).map(({ row, step }) => (
        <li key={props.keyOf(row)}>
          <Mark step={step} />
          <span>
            <strong>{props.nameOf(row)}</strong> <Said step={step} />
          </span>
        </li>
      ))}
      {rows.length > TOLD && <li>and {(rows.length - TOLD).toLocaleString()} more</li>}
    </ul>
  )
}

function rank(step: Step): number {
  return isRefused(step) ? 0 : 1
}

function Mark({ step }: { step: Step }) {
  if (step === 'waits') return <IconClock size={14} aria-hidden />
  if (step === 'works') return <Loader size={14} aria-hidden />
  if (step.is === 'done') return <IconCheck size={14} color="var(--mantine-color-green-6)" aria-hidden />
  return <IconX size={14} color="var(--mantine-color-red-6)" aria-hidden />
}

function Said({ step }: { step: Step }) {
  if (step === 'waits') return 'not begun'
  if (step === 'works') return 'under way'
  if (step.is === 'done') return 'done'
  return (
    <>
      refused: {step.sentence} {step.code && <ErrorCode code={step.code} />}
    </>
  )
}

function useWork<Row>({ action, rows, given, noun, onOver }: WorkProps<Row>) {
  const steps = useRef<Step[]>(rows.map(() => 'waits'))
  const halted = useRef(false)
  const [shown, setShown] = useState<readonly Step[]>(steps.current)
  const [over, setOver] = useState(false)
  const [stopping, setStopping] = useState(false)

  useEffect(() => {
    let gone = false
    let ended = false
    halted.current = false
    const timer = setInterval(() => setShown([...steps.current]), LOOK)
    // A moment later: whoever leaves at once, as React's development mode does, begins nothing.
    const begin = setTimeout(() => {
      void work(
        rows,
        (row) => action.act(row, given),
        (index, step) => {
          steps.current[index] = step
        },
        () => halted.current,
      ).then(() => {
        ended = true
        clearInterval(timer)
        onOver?.()
        if (gone) {
          const { done } = tally(steps.current)
          tell(`${action.label}: stopped`, `${done} of ${rows.length} ${noun[1]} are done.`)
          return
        }
        setShown([...steps.current])
        setOver(true)
      })
    })
    return () => {
      gone = !ended
      halted.current = true
      clearTimeout(begin)
      clearInterval(timer)
    }
    // It is begun once; another job is another component.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [])

  const stop = () => {
    halted.current = true
    setStopping(true)
  }
  return { steps: shown, over, stopping, stop }
}
