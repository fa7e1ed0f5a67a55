import { to } from '~/lib/paths'
import { Anchor, Text } from '~/ui'

import { Doorstep } from './Doorstep'

/** The command line tool led here: it could not read what it was given. */
export default function CliFailure() {
  return (
    <Doorstep title="The command line tool is not signed in">
      <Text size="sm">
        It could not use what it was given; its window says why. Run <code>spacectl profile login</code>{' '}
        again, and follow the new link: each is for one time.
      </Text>
      <Anchor href={to.accountTab('sessions')} size="sm" ta="center">
        Your sessions
      </Anchor>
    </Doorstep>
  )
}
