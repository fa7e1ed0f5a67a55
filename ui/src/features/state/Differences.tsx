import { figure } from '~/lib/numbers'
import { Badge, Card, Group, Stack, Text, VisuallyHidden, type MantineColor } from '~/ui'

import classes from './Differences.module.css'
import type { Difference } from './documents'

const LOOK: Record<Difference['kind'], { sign: string; color: MantineColor; word: string }> = {
  ADDED: { sign: '+', color: 'green', word: 'added' },
  CHANGED: { sign: '~', color: 'yellow', word: 'changed' },
  REMOVED: { sign: '−', color: 'red', word: 'removed' },
}

/** What is different between two states, resource by resource, side by side. */
export function Differences(props: { found: readonly Difference[]; before: string; after: string }) {
  return (
    <Stack gap="sm" component="ul" p={0} m={0} style={{ listStyle: 'none' }} aria-label="Differences">
      {props.found.map((one) => (
        <li key={one.address}>
          <Thing one={one} before={props.before} after={props.after} />
        </li>
      ))}
    </Stack>
  )
}

function Thing(props: { one: Difference; before: string; after: string }) {
  const { one } = props
  const look = LOOK[one.kind]
  return (
    <Card withBorder padding="sm">
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <Badge variant="light" color={look.color} miw={96} style={{ flexShrink: 0 }}>
          {look.sign} {look.word}
        </Badge>
        <Text ff="monospace" size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {one.address}
        </Text>
        {one.mode === 'data' && (
          <Badge variant="default" size="sm" style={{ flexShrink: 0 }}>
            data source
          </Badge>
        )}
      </Group>
      {one.attributes.length > 0 ? (
        <div role="table" aria-label={`Attributes of ${one.address}`}>
          <div role="row" className={`${classes.row} ${classes.head}`}>
            <span role="columnheader">Attribute</span>
            <span role="columnheader">{props.before}</span>
            <span role="columnheader">{props.after}</span>
          </div>
          {one.attributes.map((attribute, n) => (
            // oxlint-disable-next-line react/no-array-index-key -- a path may be told twice, gone and new
            <div role="row" key={n} className={classes.row}>
              <span role="rowheader">{attribute.path}</span>
              <Side value={attribute.before} secret={attribute.sensitive} look="before" name={props.before} />
              <Side value={attribute.after} secret={attribute.sensitive} look="after" name={props.after} />
            </div>
          ))}
        </div>
      ) : (
        <Text size="xs" c="dimmed" mt={4}>
          {one.kind === 'CHANGED'
            ? 'Only attributes without a value came or went.'
            : 'It has no attributes with a value.'}
        </Text>
      )}
      {one.leftOut > 0 && (
        <Text size="xs" c="dimmed" mt={4}>
          {figure(one.leftOut)} attributes more are different. Download both states to see them all.
        </Text>
      )}
    </Card>
  )
}

function Side(props: { value: string | null; secret: boolean; look: 'before' | 'after'; name: string }) {
  if (props.value === null) {
    return (
      <span role="cell">
        <VisuallyHidden>nothing</VisuallyHidden>
      </span>
    )
  }
  return (
    <span role="cell">
      <span className={`${classes[props.look]} ${props.secret ? classes.hidden : ''}`}>
        <span className={classes.side}>{props.look === 'before' ? '− ' : '+ '}</span>
        {props.value}
      </span>
    </span>
  )
}
