import { TabbedPage } from '~/layout/TabbedPage'
import { to } from '~/lib/paths'

const TABS = [
  { key: 'profile', label: 'Profile', path: to.account() },
  { key: 'rights', label: 'What you may do', path: to.accountTab('rights') },
  { key: 'sessions', label: 'Sessions', path: to.accountTab('sessions') },
  { key: 'sign-on', label: 'Single sign-on', path: to.accountTab('sign-on') },
  { key: 'health', label: 'Versions and health', path: to.accountTab('health') },
] as const

/** Everything about whoever is signed in, and about the installation. Each tab has its address. */
export default function AccountPage() {
  return <TabbedPage title="Account" tabs={TABS} />
}
