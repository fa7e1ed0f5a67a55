import { IconPencil, IconPlus, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'react-router'

import { Bindings } from '~/access/Bindings'
import { wayTo } from '~/access/spaces'
import { to } from '~/lib/paths'
import { Action, Anchor, Breadcrumbs, Card, Empty, Facts, Group, Labels, Stack, Text, Title } from '~/ui'

import { DeleteSpace } from './DeleteSpace'
import type { Space, Tree } from './documents'
import { notDeletable, notManager } from './rules'
import { EditSpace, NewSpace } from './SpaceForm'

interface Props {
  tree: Tree
  space: Space
  onChange: () => void
}

/** One space: what it is, what is in it, what can be done with it, and who has roles there. */
export function SpaceDetails({ tree, space, onChange }: Props) {
  const [open, setOpen] = useState<'new' | 'edit' | 'delete'>()
  const way = wayTo(tree.spaces, space.id)
  const manage = notManager(tree, space)
  const close = () => setOpen(undefined)
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        {way.length > 1 && (
          <Breadcrumbs separator="/">
            {way.slice(0, -1).map((one) => (
              <Anchor key={one.id} component={Link} to={to.space(one.id)} size="sm">
                {one.name}
              </Anchor>
            ))}
          </Breadcrumbs>
        )}
        <Group justify="space-between" align="flex-start">
          <div>
            <Title order={1}>{space.name}</Title>
            {space.description && <Text c="dimmed">{space.description}</Text>}
          </div>
          <Group gap="xs">
            <Action leftSection={<IconPlus size={16} aria-hidden />} why={manage} onClick={() => setOpen('new')}>
              Create beneath
            </Action>
            <Action
              variant="default"
              leftSection={<IconPencil size={16} aria-hidden />}
              why={manage}
              onClick={() => setOpen('edit')}
            >
              Edit or move
            </Action>
            <Action
              variant="light"
              color="red"
              leftSection={<IconTrash size={16} aria-hidden />}
              why={notDeletable(tree, space)}
              onClick={() => setOpen('delete')}
            >
              Delete
            </Action>
          </Group>
        </Group>
      </Stack>
      <Card withBorder>
        <Stack gap="sm">
          <Facts
            facts={[
              ['Stacks', <Counted key="s" count={space.holds.stacks} at={`${to.stacks()}?f.space=${space.id}`} />],
              ['Contexts', <Counted key="c" count={space.holds.contexts} at={`${to.contexts()}?f.space=${space.id}`} />],
              ['Worker pools', <Counted key="w" count={space.holds.workerPools} at={to.workers()} />],
              ['Labels', space.labels.length > 0 ? <Labels key="labels" labels={space.labels} /> : null],
              ['Id', <code key="id">{space.id}</code>],
              ['Your level', space.accessLevel?.toLowerCase() ?? 'none'],
            ]}
          />
          <Inheritance tree={tree} space={space} />
          <Anchor component={Link} to={`${to.accountTab('rights')}?space=${space.id}`} size="sm">
            What you may do here, and why
          </Anchor>
        </Stack>
      </Card>
      <Stack component="section" gap="sm">
        <Title order={2}>Who has roles here</Title>
        {space.accessLevel === 'ADMIN' ? (
          <>
            <Text size="sm" c="dimmed">
              Given here, or above: roles flow down. Of spaces above, only those are listed that you are
              administrator of.
            </Text>
            <Bindings space={space.id} />
          </>
        ) : (
          <Empty title="Only administrators of a space see who has roles there" />
        )}
      </Stack>
      {open === 'new' && <NewSpace above={space} onClose={close} onDone={onChange} />}
      {open === 'edit' && <EditSpace space={space} onClose={close} onDone={onChange} />}
      {open === 'delete' && <DeleteSpace space={space} onClose={close} onDone={onChange} />}
    </Stack>
  )
}

function Counted({ count, at }: { count: number; at: string }) {
  if (count === 0) return <>none</>
  return (
    <Anchor component={Link} to={at} inherit>
      {count.toLocaleString()}
    </Anchor>
  )
}

/** What inheriting comes to for this space, in words. */
function Inheritance({ tree, space }: { tree: Tree; space: Space }) {
  if (space.id === 'root') {
    return (
      <Text size="sm">
        The root space has nothing above it. What is in it can be used wherever spaces inherit up to it.
      </Text>
    )
  }
  const from = inheritedFrom(tree.spaces, space)
  if (from.length === 0) {
    return (
      <Text size="sm">
        <b>Does not inherit.</b> Stacks here use contexts and worker pools of this space alone, and whoever has a role
        here sees nothing above by it.
      </Text>
    )
  }
  return (
    <Text size="sm">
      <b>Inherits from {from.join(', then ')}.</b> Stacks here may use the contexts and worker pools there, and
      whoever has a role here sees {from.length === 1 ? 'that space' : 'those spaces'}.
    </Text>
  )
}

/** The names of those above that it inherits from: as far up as nobody switched inheriting off. */
function inheritedFrom(spaces: Tree['spaces'], space: Space): string[] {
  const way = wayTo(spaces, space.id).toReversed()
  const stop = way.findIndex((one) => !one.inheritEntities)
  return way.slice(1, stop === -1 ? undefined : stop + 1).map(({ name }) => name)
}
