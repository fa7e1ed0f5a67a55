import { useState } from 'react'
import { useMutation } from 'urql'

import { graphql, readFragment, type FragmentOf } from '~/graphql/gql'
import { problemOf } from '~/graphql/problem'
import { Action, Badge, Card, Group, Stack, Text, Textarea, Title, When, warn } from '~/ui'

export const RunTalkFields = graphql(`
  fragment RunTalkFields on Run {
    id
    comments {
      body
      createdAt
      username
    }
    reviews {
      id
      author
      decision
      note
      timestamp
    }
  }
`)

const CommentRun = graphql(`
  mutation CommentRun($stack: ID!, $run: ID!, $body: String!) {
    runComment(stack: $stack, run: $run, body: $body) {
      createdAt
    }
  }
`)

/** What people said of a run: comments and reviews, oldest first. */
export function RunTalk(props: {
  stack: string
  run: FragmentOf<typeof RunTalkFields>
  /** Why nothing can be written here. */
  why: string | undefined
}) {
  const run = readFragment(RunTalkFields, props.run)
  const [body, setBody] = useState('')
  const [sending, send] = useMutation(CommentRun)
  const said = [
    ...run.comments.map((one) => ({ ...one, at: one.createdAt, who: one.username, decision: null })),
    ...run.reviews.map((one) => ({ ...one, at: one.timestamp, who: one.author, body: one.note ?? '' })),
  ].toSorted((a, b) => a.at - b.at)

  const comment = async () => {
    const { error } = await send({ stack: props.stack, run: run.id, body: body.trim() })
    if (error) warn('The comment was not kept', problemOf(error))
    else setBody('')
  }

  return (
    <Stack gap="sm" mt="lg">
      <Title order={2}>Comments and reviews</Title>
      {said.length === 0 && (
        <Text size="sm" c="dimmed">
          Nobody has said anything yet. What is written here stays with the run.
        </Text>
      )}
      {said.map((one, n) => (
        // oxlint-disable-next-line react/no-array-index-key -- nothing is ever taken away
        <Card key={n} withBorder padding="xs">
          <Group gap="xs">
            <Text size="sm" fw={600}>
              {one.who}
            </Text>
            {one.decision && (
              <Badge size="sm" color={one.decision === 'APPROVE' ? 'green' : 'red'} variant="light">
                {one.decision === 'APPROVE' ? 'approved' : 'rejected'}
              </Badge>
            )}
            <Text size="xs" c="dimmed">
              <When at={one.at} />
            </Text>
          </Group>
          {one.body && (
            <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
              {one.body}
            </Text>
          )}
        </Card>
      ))}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (body.trim()) void comment()
        }}
      >
        <Group align="flex-end" gap="xs">
          <Textarea
            aria-label="Comment"
            placeholder="What should others know of this run?"
            value={body}
            onChange={(event) => setBody(event.currentTarget.value)}
            autosize
            minRows={1}
            flex={1}
          />
          <Action
            type="submit"
            variant="default"
            loading={sending.fetching}
            why={props.why ?? (body.trim() ? undefined : 'There is nothing to send yet.')}
          >
            Comment
          </Action>
        </Group>
      </form>
    </Stack>
  )
}
