import { to } from '~/lib/paths'
import { Anchor, Text } from '~/ui'

import { Doorstep } from './Doorstep'

/** The command line tool led here: it is in. */
export default function CliSuccess() {
  return (
    <Doorstep title="The command line tool is signed in">
      <Text size="sm">
        You may close this page, and go on where you started the sign-in. Its session stands among yours,
        where you can end it.
      </Text>
      <Anchor href={to.accountTab('sessions')} size="sm" ta="center">
        Your sessions
      </Anchor>
    </Doorstep>
  )
}
