import { IconCheck, IconCopy, IconPencil, IconTrash } from '@tabler/icons-react'

import { Fragment } from 'react'
import { Link } from 'react-router'

import { to } from '~/lib/paths'
import {
  ActionIcon,
  Anchor,
  Badge,
  Code,
  CopyButton,
  Group,
  Table,
  Text,
  Tooltip,
  VisuallyHidden,
  When,
} from '~/ui'

import type { Given } from './given'

interface Props {
  name: string
  elements: readonly Given[]
  /** Whether it is told where each comes from; where all are of one owner, it is not. */
  sources: boolean
  /** Whether values are to be seen. */
  shown: boolean
  values: (given: Given) => string | undefined
  onEdit: (given: Given) => void
  onDrop: (given: Given) => void
}

/** Variables or files: what they are called, where they come from, and what they hold. */
export function ElementTable(props: Props) {
  const files = props.elements.every(({ element }) => element.type === 'FILE_MOUNT')
  if (props.elements.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        None has these letters.
      </Text>
    )
  }
  return (
    <Table.ScrollContainer minWidth={320} type="native">
      <Table aria-label={props.name} verticalSpacing={6} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{files ? 'Path' : 'Name'}</Table.Th>
            <Table.Th>Value</Table.Th>
            {props.sources && <Table.Th visibleFrom="sm">From</Table.Th>}
            <Table.Th visibleFrom="sm">Set</Table.Th>
            <Table.Th w={76}>
              <VisuallyHidden>Actions</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.elements.map((given) => (
            <Row key={`${given.context?.id ?? ''} ${given.element.id}`} given={given} {...props} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function Row({ given, ...props }: Props & { given: Given }) {
  const { element } = given
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" ff="monospace" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {element.id}
        </Text>
        {element.description && (
          <Text size="xs" c="dimmed">
            {element.description}
          </Text>
        )}
        {props.sources && (
          <Text component="div" size="xs" c="dimmed" hiddenFrom="sm">
            From <Source given={given} />
            <InsteadOf given={given} />
          </Text>
        )}
      </Table.Td>
      <Table.Td maw={360}>
        <Value given={given} {...props} />
      </Table.Td>
      {props.sources && (
        <Table.Td visibleFrom="sm">
          <Text component="div" size="sm">
            <Source given={given} />
            <InsteadOf given={given} />
          </Text>
        </Table.Td>
      )}
      <Table.Td visibleFrom="sm">
        <Text size="sm">
          <When at={element.createdAt} />
        </Text>
      </Table.Td>
      <Table.Td>
        {given.own && (
          <Group gap={4} wrap="nowrap" justify="flex-end">
            <ActionIcon
              variant="subtle"
              color="gray"
              onClick={() => props.onEdit(given)}
              aria-label={`Edit ${element.id}`}
            >
              <IconPencil size={16} />
            </ActionIcon>
            <ActionIcon
              variant="subtle"
              color="red"
              onClick={() => props.onDrop(given)}
              aria-label={`Delete ${element.id}`}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

/** Where it comes from; a context has a page. */
function Source({ given }: { given: Given }) {
  if (!given.context) return <>{given.source}</>
  return (
    <Anchor component={Link} to={to.context(given.context.id)} inherit underline="always">
      {given.source}
    </Anchor>
  )
}

/** What would give one of the same name, the next in line first. */
function InsteadOf({ given }: { given: Given }) {
  if (given.insteadOf.length === 0) return null
  return (
    <Text size="xs" c="dimmed">
      instead of{' '}
      {given.insteadOf.map((one, n) => (
        <Fragment key={one.id ?? one.name}>
          {n > 0 && ', '}
          {one.id ? (
            <Anchor component={Link} to={to.context(one.id)} inherit underline="always">
              {one.name}
            </Anchor>
          ) : (
            one.name
          )}
        </Fragment>
      ))}
    </Text>
  )
}

function Value({ given, shown, values }: Pick<Props, 'shown' | 'values'> & { given: Given }) {
  const { element } = given
  if (element.runtime) return <Faint>set when the run begins</Faint>
  if (element.writeOnly) {
    return (
      <Tooltip label="Write-only: it is given to runs and never shown, also not to whoever set it">
        <Badge variant="light" color="gray" tabIndex={0}>
          secret
        </Badge>
      </Tooltip>
    )
  }
  if (element.type === 'FILE_MOUNT') return <Faint>a file</Faint>
  if (!shown) return <Faint label="hidden">••••••</Faint>
  const value = values(given)
  if (value === undefined) return <Faint>…</Faint>
  if (value === '') return <Faint>empty</Faint>
  return (
    <Group gap={4} wrap="nowrap">
      <Code title={value} style={{ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}>
        {value}
      </Code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <ActionIcon
            variant="subtle"
            size="sm"
            color={copied ? 'green' : 'gray'}
            onClick={copy}
            aria-label={copied ? 'Copied' : `Copy the value of ${element.id}`}
          >
            {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          </ActionIcon>
        )}
      </CopyButton>
    </Group>
  )
}

function Faint({ children, label }: { children: string; label?: string }) {
  return (
    <Text size="sm" c="dimmed" {...(label ? { 'aria-label': label, role: 'img' } : {})}>
      {children}
    </Text>
  )
}
