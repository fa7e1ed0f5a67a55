import { TabbedPage } from '~/layout/TabbedPage'
import { to } from '~/lib/paths'

const TABS = [
  { key: 'roles', label: 'Roles', path: to.roles() },
  { key: 'users', label: 'Users', path: to.users() },
  { key: 'groups', label: 'Groups', path: to.groups() },
  { key: 'api-keys', label: 'API keys', path: to.apiKeys() },
] as const

/** Who may do what: roles, and those whom they are given to. Each tab has its address. */
export default function AccessPage() {
  return <TabbedPage title="Access" tabs={TABS} />
}
