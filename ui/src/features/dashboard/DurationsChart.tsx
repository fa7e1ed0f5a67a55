import { useId, useState } from 'react'
import { Link } from 'react-router'

import { to } from '~/lib/paths'
import { duration, span } from '~/lib/time'
import { Anchor, Group, SegmentedControl, Stack, Table, Text, VisuallyHidden, useMediaQuery } from '~/ui'

import classes from './Dashboard.module.css'
import { PHASES, marks, quantile, total, type Durations, type Phase } from './phases'

export interface Measured {
  id: string
  title: string
  stack: { id: string; name: string }
  took: Durations
}

const TITLES: Record<Phase, string> = {
  waited: 'Waited for its turn',
  prepared: 'Prepared',
  planned: 'Planned',
  decided: 'Waited for a decision',
  applied: 'Applied',
}
/** What machines did; decisions of people, of hours, would make everything else invisible. */
const WORK: readonly Phase[] = ['waited', 'prepared', 'planned', 'applied']
const HEIGHT = 160
/** The width of the drawing's own coordinates; it is stretched to the place that there is. */
const WIDE = { width: 800, columns: 40 }
const NARROW = { width: 340, columns: 20 }
const LEFT = 56
/** As many of the longest as are named. */
const LONGEST = 3

/** The phases of the newest finished runs, one column each, the newest to the right. */
export default function DurationsChart({ runs }: { runs: readonly Measured[] }) {
  const [all, setAll] = useState(false)
  const [at, setAt] = useState<number>()
  const title = useId()
  const phases = all ? PHASES : WORK
  const narrow = useMediaQuery('(max-width: 48em)')
  const { width, columns: most } = narrow ? NARROW : WIDE
  const columns = runs.slice(0, most).toReversed()
  const totals = columns.map((run) => total(run.took, phases))
  const axis = marks(Math.max(0, ...totals))
  const top = axis.at(-1) ?? 1
  const y = (seconds: number) => HEIGHT - (seconds / top) * HEIGHT
  const step = (width - LEFT) / Math.max(columns.length, 12)
  const shown = at === undefined ? undefined : columns[at]
  return (
    <Stack gap="xs">
      <Group justify="space-between" gap="xs">
        <Text size="sm" c="dimmed">
          Half took at most {duration(quantile(totals, 0.5))}, nine of ten at most{' '}
          {duration(quantile(totals, 0.9))}.
        </Text>
        <SegmentedControl
          size="xs"
          aria-label="What is counted"
          data={[
            { value: 'work', label: 'Work' },
            { value: 'all', label: 'With decisions' },
          ]}
          value={all ? 'all' : 'work'}
          onChange={(value) => setAll(value === 'all')}
        />
      </Group>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- a table says the same */}
      <svg
        viewBox={`0 -8 ${width} ${HEIGHT + 16}`}
        className={classes.chart}
        role="img"
        aria-labelledby={title}
        onMouseLeave={() => setAt(undefined)}
      >
        <title id={title}>Durations of the newest {columns.length} finished runs, by phase</title>
        {axis.map((mark) => (
          <g key={mark}>
            <line x1={LEFT} x2={width} y1={y(mark)} y2={y(mark)} className={classes.rule} />
            <text x={LEFT - 6} y={y(mark) + 4} textAnchor="end" className={classes.mark}>
              {span(mark)}
            </text>
          </g>
        ))}
        {columns.map((run, n) => (
          <g key={run.id} onMouseEnter={() => setAt(n)} data-lit={at === n || undefined}>
            <rect x={LEFT + n * step} y={0} width={step} height={HEIGHT} className={classes.column} />
            {stacked(run.took, phases).map(({ phase, from, until }) => (
              <rect
                key={phase}
                x={LEFT + n * step + step * 0.15}
                width={step * 0.7}
                y={y(until)}
                height={Math.max(0, y(from) - y(until))}
                className={classes[phase]}
              />
            ))}
          </g>
        ))}
      </svg>
      <Group gap="md" mih={22}>
        {shown ? (
          <Text size="sm" lineClamp={1}>
            <Anchor component={Link} to={to.run(shown.stack.id, shown.id)} underline="always">
              {shown.stack.name}
            </Anchor>
            {': '}
            {phases.map((phase) => `${TITLES[phase].toLowerCase()} ${duration(shown.took[phase])}`).join(', ')}
          </Text>
        ) : (
          phases.map((phase) => (
            <Group key={phase} gap={6} wrap="nowrap">
              <svg width={10} height={10} aria-hidden>
                <rect width={10} height={10} rx={2} className={classes[phase]} />
              </svg>
              <Text size="xs">{TITLES[phase]}</Text>
            </Group>
          ))
        )}
      </Group>
      <Text size="xs" c="dimmed">
        The longest:{' '}
        {columns
          .toSorted((a, b) => total(b.took, phases) - total(a.took, phases))
          .slice(0, LONGEST)
          .map((run, n) => (
            <span key={run.id}>
              {n > 0 && ', '}
              <Anchor component={Link} to={to.run(run.stack.id, run.id)} inherit underline="always">
                {run.stack.name}
              </Anchor>{' '}
              {duration(total(run.took, phases))}
            </span>
          ))}
      </Text>
      <VisuallyHidden>
        <AsTable runs={columns} phases={phases} />
      </VisuallyHidden>
    </Stack>
  )
}

function stacked(took: Durations, phases: readonly Phase[]) {
  let from = 0
  return phases.map((phase) => {
    const piece = { phase, from, until: from + took[phase] }
    from = piece.until
    return piece
  })
}

/** The same for those who do not see it. */
function AsTable({ runs, phases }: { runs: readonly Measured[]; phases: readonly Phase[] }) {
  return (
    <Table aria-label="Durations by run and phase">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Run</Table.Th>
          {phases.map((phase) => (
            <Table.Th key={phase}>{TITLES[phase]}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {runs.map((run) => (
          <Table.Tr key={run.id}>
            <Table.Td>
              {run.stack.name}: {run.title}
            </Table.Td>
            {phases.map((phase) => (
              <Table.Td key={phase}>{duration(run.took[phase])}</Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
