import { IconCircleCheckFilled, IconCircleDashed } from '@tabler/icons-react'
import { Link } from 'react-router'

import { useFollowing } from '~/graphql/following'
import { graphql, type ResultOf } from '~/graphql/gql'
import type { Topic } from '~/graphql/live'
import { problemOf } from '~/graphql/problem'
import { to } from '~/lib/paths'
import { Anchor, Button, Card, Coming, Group, Progress, Stack, Text, Title, Trouble } from '~/ui'

import classes from './Launchpad.module.css'

const LaunchpadQuery = graphql(`
  query Launchpad {
    launchpad {
      accountNamed
      workerIdle
      stackCreated
      runPlanned
      runApplied
      apiKeyMade
      finished
    }
    searchStacks(input: { first: 1 }) {
      edges {
        node {
          id
        }
      }
    }
  }
`)

type Done = ResultOf<typeof LaunchpadQuery>['launchpad']

/** Workers, stacks and runs; the account's name and its keys. */
const TOPICS: readonly Topic[] = ['activity', 'account']

interface Step {
  key: Exclude<keyof Done, 'finished'>
  title: string
  what: string
  /** What leads there. */
  verb: string
  /** Nothing while there is nowhere to go: the steps before come first. */
  at: (stack: string | undefined) => string | undefined
}

const STEPS: readonly Step[] = [
  {
    key: 'accountNamed',
    title: 'Name the account',
    what: 'The name by which clouds and programs know this installation.',
    verb: 'Set up',
    at: () => to.setup(),
  },
  {
    key: 'workerIdle',
    title: 'Have a worker ready',
    what: 'Workers carry runs out, where your credentials are. A built-in one, where there is one, will do to begin with; a pool of your own keeps them on machines that you choose.',
    verb: 'Go to workers',
    at: () => to.workers(),
  },
  {
    key: 'stackCreated',
    title: 'Create the first stack',
    what: 'A stack joins a directory of a Git repository to the infrastructure that it describes, and to the state of it.',
    verb: 'Create a stack',
    at: () => to.newStack(),
  },
  {
    key: 'runPlanned',
    title: 'Plan the first run',
    what: 'A plan shows what would change, and changes nothing. Trigger a run on the stack’s page.',
    verb: 'Go to the stack',
    at: (stack) => (stack ? to.stack(stack) : undefined),
  },
  {
    key: 'runApplied',
    title: 'Apply it',
    what: 'Read the plan and confirm it. Exactly what you saw is applied, and the new state is kept.',
    verb: 'Go to the stack',
    at: (stack) => (stack ? to.stack(stack) : undefined),
  },
  {
    key: 'apiKeyMade',
    title: 'Make an API key',
    what: 'Programs sign in with one: the Terraform provider, the command line, your pipelines.',
    verb: 'Go to API keys',
    at: () => to.apiKeys(),
  },
]

/**
 * What there is to do in a new installation. It ticks itself off from what there is, and shows
 * nothing at all once everything is done, unless `always`.
 */
export function Launchpad({ always = false }: { always?: boolean }) {
  const [{ data, error }] = useFollowing(TOPICS, { query: LaunchpadQuery })
  if (error && !data) {
    return always ? (
      <Trouble title="The launchpad could not be loaded" {...problemOf(error)} />
    ) : null
  }
  if (!data) return always ? <Coming height={420} /> : null
  const done = data.launchpad
  if (done.finished && !always) return null
  const stack = data.searchStacks.edges[0]?.node.id
  const count = STEPS.filter((step) => done[step.key]).length
  const next = STEPS.find((step) => !done[step.key])
  return (
    <Card withBorder p="lg" component="section" aria-label="Launchpad">
      <Stack gap="md">
        <Group justify="space-between" align="baseline">
          <Title order={2}>{next ? 'From here to your first apply' : 'You are off the ground'}</Title>
          <Text size="sm" c="dimmed">
            {count} of {STEPS.length} done
          </Text>
        </Group>
        <Progress value={(count / STEPS.length) * 100} size="sm" aria-label="Steps done" />
        <ol className={classes.steps ?? ''}>
          {STEPS.map((step) => (
            <StepRow
              key={step.key}
              step={step}
              done={done[step.key]}
              next={step === next}
              at={step.at(stack)}
            />
          ))}
        </ol>
      </Stack>
    </Card>
  )
}

function StepRow(props: { step: Step; done: boolean; next: boolean; at: string | undefined }) {
  const { step, done } = props
  return (
    <li className={classes.step ?? ''} aria-current={props.next ? 'step' : undefined}>
      {done ? (
        <IconCircleCheckFilled size={22} color="var(--mantine-color-green-text)" role="img" aria-label="Done" />
      ) : (
        <IconCircleDashed size={22} color="var(--mantine-color-dimmed)" role="img" aria-label="To do" />
      )}
      <div>
        <Text fw={600} {...(done ? { c: 'dimmed' } : {})}>
          {step.title}
        </Text>
        {!done && (
          <Text size="sm" c="dimmed">
            {step.what}
          </Text>
        )}
      </div>
      {!done &&
        props.at !== undefined &&
        (props.next ? (
          <Button component={Link} to={props.at} size="compact-md">
            {step.verb}
          </Button>
        ) : (
          <Anchor component={Link} to={props.at} size="sm">
            {step.verb}
          </Anchor>
        ))}
    </li>
  )
}
