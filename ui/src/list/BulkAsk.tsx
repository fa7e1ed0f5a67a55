import { useState } from 'react'

import { Alert, Button, Group, List, Modal, Stack, Text, TextInput } from '~/ui'

import type { Bulk, BulkAction } from './types'
import { fitting } from './work'

/** As many of those left out as are told one by one. */
const TOLD = 6

/** Says what will happen to how many, and what is left out and why, before anything does. */
export function Ask<Row>(props: {
  action: BulkAction<Row>
  rows: readonly Row[]
  noun: Bulk<Row>['noun']
  nameOf: (row: Row) => string
  onGo: (rows: readonly Row[], given: string) => void
  onClose: () => void
}) {
  const { action, noun } = props
  const [given, setGiven] = useState('')
  const { fit, left } = fitting(props.rows, action.unfit)
  const counted = `${fit.length.toLocaleString()} ${noun[fit.length === 1 ? 0 : 1]}`
  const missing = action.given?.needed === true && given.trim() === ''
  return (
    <Modal opened onClose={props.onClose} title={`${action.label}: ${counted}`} centered>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!missing) props.onGo(fit, given.trim())
        }}
      >
        <Stack gap="md">
          <Text size="sm">{action.words(fit.length)}</Text>
          {left.length > 0 && (
            <Alert color="gray" title={`${left.length.toLocaleString()} left out`}>
              <List size="sm">
                {left.slice(0, TOLD).map(({ row, why }) => (
                  <List.Item key={props.nameOf(row)}>
                    {props.nameOf(row)}: {why}
                  </List.Item>
                ))}
                {left.length > TOLD && (
                  <List.Item>and {(left.length - TOLD).toLocaleString()} more</List.Item>
                )}
              </List>
            </Alert>
          )}
          {action.given && (
            <TextInput
              label={action.given.label}
              description={action.given.description}
              value={given}
              required={action.given.needed ?? false}
              onChange={(event) => setGiven(event.currentTarget.value)}
              autoComplete="off"
              data-autofocus
            />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              Back
            </Button>
            <Button type="submit" {...(action.danger ? { color: 'red' } : {})} data-autofocus>
              {action.label} {counted}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
