import { useState } from 'react'

import { Action, Button, ErrorCode, Group, Menu, MenuAction, Text, useMediaQuery, type Fault } from '~/ui'

import { Ask } from './BulkAsk'
import { BulkWork } from './BulkWork'
import classes from './Listing.module.css'
import type { Bulk, BulkAction } from './types'
import { fitting } from './work'

interface BarProps<Row> {
  bulk: Bulk<Row>
  chosen: readonly Row[]
  keyOf: (row: Row) => string
  nameOf: (row: Row) => string
  /** Whether the whole page is chosen, and how many fit the view in all. */
  page: { whole: boolean; total: number | undefined }
  onChoose: (rows: readonly Row[], on: boolean) => void
  onClear: () => void
}

interface Job<Row> {
  action: BulkAction<Row>
  rows: readonly Row[]
  given: string
  number: number
}

/** What can be done with the chosen rows; and, once it is begun, how far it has come. */
export function BulkBar<Row>(props: BarProps<Row>) {
  const { bulk, chosen, nameOf } = props
  const [asking, setAsking] = useState<BulkAction<Row>>()
  const [job, setJob] = useState<Job<Row>>()
  const begin = (action: BulkAction<Row>, rows: readonly Row[], given: string) =>
    setJob((before) => ({ action, rows, given, number: (before?.number ?? 0) + 1 }))

  if (job) {
    return (
      <BulkWork
        key={job.number}
        action={job.action}
        rows={job.rows}
        given={job.given}
        noun={bulk.noun}
        keyOf={props.keyOf}
        nameOf={nameOf}
        onAgain={(rows) => begin(job.action, rows, job.given)}
        onOver={bulk.after}
        onClose={() => setJob(undefined)}
      />
    )
  }
  if (chosen.length === 0) return null
  return (
    <Group className={classes.bulk ?? ''} role="region" aria-label="With the chosen ones" gap="xs">
      <Text size="sm" fw={600} aria-live="polite">
        {chosen.length.toLocaleString()} {bulk.noun[chosen.length === 1 ? 0 : 1]} chosen
      </Text>
      <Everything {...props} />
      <Buttons {...props} onAsk={setAsking} />
      <Button variant="subtle" size="xs" onClick={props.onClear}>
        Choose none
      </Button>
      {asking && (
        <Ask
          action={asking}
          rows={chosen}
          noun={bulk.noun}
          nameOf={nameOf}
          onClose={() => setAsking(undefined)}
          onGo={(rows, given) => {
            setAsking(undefined)
            begin(asking, rows, given)
          }}
        />
      )}
    </Group>
  )
}

/** The actions side by side; on a phone behind one button. */
function Buttons<Row>(props: BarProps<Row> & { onAsk: (action: BulkAction<Row>) => void }) {
  const narrow = useMediaQuery('(max-width: 48em)')
  const { chosen, bulk } = props
  const each = bulk.actions.map((action) => ({ action, why: whyNot(action, chosen, bulk.noun[1]) }))
  if (narrow) {
    return (
      <Menu position="bottom-start">
        <Menu.Target>
          <Button size="xs">Do with them</Button>
        </Menu.Target>
        <Menu.Dropdown>
          {each.map(({ action, why }) => (
            <MenuAction key={action.key} icon={action.icon} why={why} onClick={() => props.onAsk(action)}>
              {action.label}
            </MenuAction>
          ))}
        </Menu.Dropdown>
      </Menu>
    )
  }
  return each.map(({ action, why }) => (
    <Action
      key={action.key}
      size="xs"
      variant="default"
      leftSection={action.icon}
      why={why}
      onClick={() => props.onAsk(action)}
    >
      {action.label}
    </Action>
  ))
}

/** Why an action fits none of the rows; nothing if it fits one. */
function whyNot<Row>(action: BulkAction<Row>, rows: readonly Row[], several: string): string | undefined {
  const { fit, left } = fitting(rows, action.unfit)
  const [first] = left
  if (fit.length > 0 || !first) return undefined
  const reasons = new Set(left.map((one) => one.why))
  const more = reasons.size > 1 ? ` And ${reasons.size - 1} more reason${reasons.size > 2 ? 's' : ''}.` : ''
  return rows.length === 1 ? first.why : `It fits none of these ${several}. ${first.why}${more}`
}

/** From the whole page to everything that fits. */
function Everything<Row>({ bulk, chosen, page, onChoose }: BarProps<Row>) {
  const [coming, setComing] = useState(false)
  const [problem, setProblem] = useState<Fault>()
  const { total } = page
  if (!bulk.everything || !page.whole || total === undefined || total <= chosen.length) return null
  const { everything } = bulk
  const choose = async () => {
    setComing(true)
    const got: Row[] = []
    setProblem(
      await everything((rows) => {
        got.push(...rows)
        return true
      }),
    )
    onChoose(got, true)
    setComing(false)
  }
  return (
    <>
      <Button variant="subtle" size="xs" loading={coming} onClick={() => void choose()}>
        Choose all {total.toLocaleString()} that fit
      </Button>
      {problem && (
        <Text size="xs" c="red" role="alert">
          Not all could be chosen. {problem.sentence} {problem.code && <ErrorCode code={problem.code} />}
        </Text>
      )}
    </>
  )
}
