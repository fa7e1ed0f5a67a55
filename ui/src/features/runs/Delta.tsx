import { graphql, readFragment, type FragmentOf } from '~/graphql/gql'
import { Badge, Group, type MantineColor } from '~/ui'

export const DeltaFields = graphql(`
  fragment DeltaFields on RunDelta {
    addCount
    changeCount
    deleteCount
    importCount
    moveCount
    forgetCount
  }
`)

/** How much a plan adds, changes, deletes, imports, moves and forgets. */
export function Delta(props: { delta: FragmentOf<typeof DeltaFields> }) {
  const delta = readFragment(DeltaFields, props.delta)
  const parts: { sign: string; count: number; color: MantineColor; word: string }[] = [
    { sign: '+', count: delta.addCount, color: 'green', word: 'to add' },
    { sign: '~', count: delta.changeCount, color: 'yellow', word: 'to change' },
    { sign: '−', count: delta.deleteCount, color: 'red', word: 'to delete' },
    { sign: '↓', count: delta.importCount, color: 'blue', word: 'to import' },
    { sign: '→', count: delta.moveCount, color: 'grape', word: 'to move' },
    { sign: '×', count: delta.forgetCount, color: 'gray', word: 'to forget' },
  ]
  return (
    <Group gap={4} component="span" display="inline-flex">
      {parts
        .filter((part, n) => part.count > 0 || n < 3)
        .map((part) => (
          <Badge
            key={part.word}
            size="sm"
            variant="light"
            color={part.count > 0 ? part.color : 'gray'}
            title={`${part.count} ${part.word}`}
          >
            {part.sign}
            {part.count.toLocaleString()}
          </Badge>
        ))}
    </Group>
  )
}
