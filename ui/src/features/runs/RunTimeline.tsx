import { Link } from 'react-router'

import { graphql, readFragment, type FragmentOf } from '~/graphql/gql'
import { to } from '~/lib/paths'
import { colorOf, wordOf } from '~/runs/RunState'
import { Anchor, Text, Timeline, Took, When } from '~/ui'

export const RunTimelineFields = graphql(`
  fragment RunTimelineFields on Run {
    id
    history {
      state
      stateVersion
      timestamp
      terminal
      hasLogs
      note
      username
      workerId
    }
  }
`)

/** Through which states a run went: how long each took, who moved it there, and why. */
export function RunTimeline(props: { stack: string; run: FragmentOf<typeof RunTimelineFields> }) {
  const { id, history } = readFragment(RunTimelineFields, props.run)
  return (
    <Timeline bulletSize={14} lineWidth={2} active={history.length} aria-label="History, newest first">
      {history.map((step, n) => {
        const next = history[n - 1]
        return (
          <Timeline.Item
            key={step.stateVersion}
            color={colorOf(step.state)}
            bullet={<span />}
            title={
              step.hasLogs ? (
                <Anchor
                  component={Link}
                  to={`${to.run(props.stack, id)}?log=${step.stateVersion}`}
                  fw={600}
                  size="sm"
                >
                  {wordOf(step.state)}
                </Anchor>
              ) : (
                <Text component="span" fw={600} size="sm">
                  {wordOf(step.state)}
                </Text>
              )
            }
          >
            <Text size="xs" c="dimmed">
              <When at={step.timestamp} />
              {!step.terminal && (
                <>
                  {' · '}
                  <Took from={step.timestamp} until={next?.timestamp} />
                </>
              )}
            </Text>
            {step.username && <Text size="xs">by {step.username}</Text>}
            {step.workerId && step.workerId !== history[n + 1]?.workerId && (
              <Text size="xs" c="dimmed" title={step.workerId}>
                worker <code>{step.workerId.slice(-8)}</code>
              </Text>
            )}
            {step.note && (
              <Text size="xs" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }} lineClamp={6} title={step.note}>
                {step.note}
              </Text>
            )}
          </Timeline.Item>
        )
      })}
    </Timeline>
  )
}
