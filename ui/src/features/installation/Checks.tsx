import { IconAlertTriangle, IconCircleCheck, IconCircleX } from '@tabler/icons-react'
import { useQuery } from 'urql'

import { graphql, type ResultOf } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { Action, Coming, Group, Stack, Text, Trouble, Words } from '~/ui'

import classes from './Checks.module.css'
import { gathered } from './gathered'

export const ChecksQuery = graphql(`
  query Checks {
    installationChecks {
      what
      health
      says
      remedy
    }
  }
`)

export type Check = ResultOf<typeof ChecksQuery>['installationChecks'][number]

const MARKS = {
  GOOD: { icon: IconCircleCheck, color: 'var(--mantine-color-green-text)', word: 'Good' },
  LOOK: { icon: IconAlertTriangle, color: 'var(--mantine-color-yellow-text)', word: 'Look at it' },
  BAD: { icon: IconCircleX, color: 'var(--mantine-color-red-text)', word: 'Bad' },
} as const

/** What the installation stands on, tried out just now. Only for administrators. */
export function Checks() {
  const [{ data, error, fetching }, ask] = useQuery({
    query: ChecksQuery,
    requestPolicy: 'network-only',
  })
  if (!data && !error) {
    return (
      <Stack gap={4}>
        <Text size="sm" c="dimmed">
          Trying out database, keys, storage and broker. This takes some seconds.
        </Text>
        <Coming height={180} />
      </Stack>
    )
  }
  const found = gathered(data?.installationChecks ?? [])
  return (
    <Stack gap="sm">
      {error && (
        <Trouble title="The checks could not be made" {...problemOf(error)} />
      )}
      {found.length > 0 && (
        <ul className={classes.list ?? ''} aria-label="Checks of the installation">
          {found.map((check) => {
            const mark = MARKS[check.health]
            return (
              <li key={check.what} className={classes.check ?? ''}>
                <mark.icon size={18} color={mark.color} aria-label={mark.word} role="img" />
                <div>
                  <Text size="sm">
                    <Text span fw={600}>
                      {check.what}
                    </Text>
                    : {check.says}
                  </Text>
                  {check.remedy && (
                    <Text size="sm" c="dimmed">
                      <Words text={check.remedy} />
                    </Text>
                  )}
                </div>
              </li>
            )
          })}
        </ul>
      )}
      <Group>
        <Action
          variant="default"
          size="compact-sm"
          loading={fetching}
          onClick={() => ask({ requestPolicy: 'network-only' })}
        >
          Check again
        </Action>
      </Group>
    </Stack>
  )
}
