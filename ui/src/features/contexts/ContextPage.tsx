import { Link, useParams } from 'react-router'
import { useMutation } from 'urql'

import { HooksEditor } from '~/environment/HooksEditor'
import { hooksOf } from '~/environment/hooks'
import { useAccountQuery } from '~/graphql/following'
import { Refused } from '~/graphql/Refused'
import { lacking, useRights } from '~/graphql/rights'
import { to } from '~/lib/paths'
import { Anchor, Card, Coming, Empty, Facts, Group, Labels, Stack, Text, Title, When } from '~/ui'

import { ContextActions } from './ContextActions'
import { ContextElements } from './ContextElements'
import { ContextStacks } from './ContextStacks'
import { ContextQuery, HELD, UpdateMutation, type Context } from './documents'
import { attaching } from './labels'

/** A context: what it holds, and which stacks have it. */
export default function ContextPage() {
  const { contextId = '' } = useParams()
  const [{ data, error }] = useAccountQuery({ query: ContextQuery, variables: { id: contextId }, context: HELD })
  if (error && !data) return <Refused title="The context could not be loaded" error={error} />
  if (!data) return <Coming height={480} />
  if (!data.context) {
    return (
      <>
        <Title order={1}>Context</Title>
        <Empty title="There is no such context" action={<AllContexts />}>
          It was deleted, or is in a space that you may not see.
        </Empty>
      </>
    )
  }
  return <Shown key={data.context.id} context={data.context} />
}

function Shown({ context }: { context: Context }) {
  const rights = useRights()
  const why = lacking(rights, 'CONTEXT_UPDATE', context.space)
  const attached = attaching(context.labels)
  return (
    <Stack gap="xl">
      <Stack gap={4}>
        <AllContexts />
        <Group justify="space-between" align="flex-start">
          <div>
            <Title order={1}>{context.name}</Title>
            {context.description && <Text c="dimmed">{context.description}</Text>}
          </div>
          <ContextActions context={context} />
        </Group>
      </Stack>
      <Card withBorder>
        <Stack gap="sm">
          <Facts
            facts={[
              [
                'Space',
                <Anchor key="space" component={Link} to={to.space(context.space)} inherit>
                  {context.spaceDetails.name}
                </Anchor>,
              ],
              ['Labels', context.labels.length > 0 ? <Labels key="labels" labels={context.labels} /> : null],
              ['Id', <code key="id">{context.id}</code>],
              ['Made', <When key="made" at={context.createdAt} />],
              ['Changed', <When key="changed" at={context.updatedAt} />],
            ]}
          />
          {attached.map(({ label, words }) => (
            <Text key={label} size="sm">
              <b>{label}</b> attaches it to {words}, in {context.spaceDetails.name} and in spaces beneath that inherit.
            </Text>
          ))}
        </Stack>
      </Card>
      <ContextElements context={context} why={why} />
      <ContextHooks context={context} why={why} />
      <ContextStacks context={context} />
    </Stack>
  )
}

function ContextHooks({ context, why }: { context: Context; why: string | undefined }) {
  const [, update] = useMutation(UpdateMutation)
  const { id, name, description, labels, space, hooks } = context
  return (
    <HooksEditor
      kept={hooksOf(hooks)}
      note="Before a phase they come before the stack's own, after it they come last."
      why={why}
      // What is sent takes the place of all hooks there are.
      save={async (changed) =>
        (await update({ id, input: { name, description, labels, space, hooks: { ...hooksOf(hooks), ...changed } } }))
          .error
      }
    />
  )
}

function AllContexts() {
  return (
    <Anchor component={Link} to={to.contexts()} size="sm">
      All contexts
    </Anchor>
  )
}
