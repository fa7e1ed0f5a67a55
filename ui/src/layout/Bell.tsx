import { IconBell } from '@tabler/icons-react'
import { Link } from 'react-router'

import { graphql } from '~/graphql/gql'
import { useLiveQuery, type Topic } from '~/graphql/live'
import { to } from '~/lib/paths'
import { ActionIcon } from '~/ui'

import classes from './Shell.module.css'

const CountQuery = graphql(`
  query NotificationCount {
    notificationCount
  }
`)

const TOPICS: readonly Topic[] = ['notifications']
/** More do not fit into the corner, and mean the same. */
const MOST = 99

/** The way to what administrators should know of, and how much of it there is. */
export function Bell() {
  const { data } = useLiveQuery(CountQuery, {}, () => TOPICS)
  const count = data?.notificationCount ?? 0
  const words = count > 0 ? `Notifications: ${count} open` : 'Notifications'
  return (
    <ActionIcon
      component={Link}
      to={to.notifications()}
      variant="subtle"
      color="gray"
      aria-label={words}
      title={words}
      className={classes.bell ?? ''}
    >
      <IconBell size={18} stroke={1.6} aria-hidden />
      {count > 0 && (
        <span className={classes.count} aria-hidden>
          {count > MOST ? `${MOST}+` : count}
        </span>
      )}
    </ActionIcon>
  )
}
