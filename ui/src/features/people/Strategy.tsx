import { useState } from 'react'
import { useMutation } from 'urql'

import { Refused } from '~/graphql/Refused'
import { Card, Confirm, Radio, Stack, Text, Title, tell } from '~/ui'

import { SchemeMutation, type Scheme } from './documents'

/** Who decides which people may enter. */
export function Strategy({ scheme, onDone }: { scheme: Scheme; onDone: () => void }) {
  const [asked, setAsked] = useState(false)
  const [{ fetching, error }, change] = useMutation(SchemeMutation)
  return (
    <Card withBorder component="section" aria-labelledby="strategy">
      <Stack gap="sm">
        <Title order={2} id="strategy">
          Who may enter
        </Title>
        <Radio.Group
          aria-labelledby="strategy"
          value={scheme}
          onChange={(value) => setAsked(value === 'USER_MANAGEMENT' && value !== scheme)}
        >
          <Stack gap="xs">
            <Radio
              value="USER_MANAGEMENT"
              label="User management"
              description="Whoever is invited, or is in a group that is listed under Groups. What they may do comes from roles."
            />
            <Radio
              value="LOGIN_POLICY"
              label="Login policy"
              description="Not offered: a program of your own would decide at each sign-in, and this release runs no policies."
              disabled
            />
          </Stack>
        </Radio.Group>
        <Text size="xs" c="dimmed">
          The built-in administrator and API keys get in either way.
        </Text>
      </Stack>
      {asked && (
        <Confirm
          opened
          title="Let people in by invitation and group?"
          verb="Change it"
          dangerous
          busy={fetching}
          onClose={() => setAsked(false)}
          onConfirm={() =>
            void change({ scheme: 'USER_MANAGEMENT' }).then(({ data }) => {
              if (!data) return
              tell('People are let in by invitation and group')
              setAsked(false)
              onDone()
            })
          }
        >
          <Stack gap="sm">
            <Text size="sm">
              Every session but yours ends at once. Invitations that waited begin, and count for a day.
            </Text>
            {error && <Refused title="Nothing was changed" error={error} />}
          </Stack>
        </Confirm>
      )}
    </Card>
  )
}
