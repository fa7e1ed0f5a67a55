import { graphql } from '~/graphql/gql'
import { Refused } from '~/graphql/Refused'
import { asked, narrowed } from '~/list/asked'
import { Listing, type Column } from '~/list/Listing'
import { NoneFit } from '~/list/NoneFit'
import { useView } from '~/list/view'
import { Empty, Stack, When } from '~/ui'

import { useStack, useStackQuery } from './here'
import {
  ByCell,
  CommitCell,
  DeltaCell,
  RunCellsFields,
  runOf,
  StateCell,
  stateFilter,
  TitleCell,
  TookCell,
  TYPE_FILTER,
  type RunRow,
} from './RunCells'

export const StackRunsQuery = graphql(
  `
    query StackRuns($input: SearchInput!) {
      searchRuns(input: $input) {
        edges {
          node {
            run {
              ...RunCellsFields
            }
          }
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  `,
  [RunCellsFields],
)

const COLUMNS: readonly Column<RunRow>[] = [
  { key: 'run', title: 'Run', cell: (row) => <TitleCell row={row} /> },
  { key: 'state', title: 'State', cell: (row) => <StateCell row={row} /> },
  { key: 'delta', title: 'Changes', number: true, cell: (row) => <DeltaCell row={row} /> },
  { key: 'commit', title: 'Commit', cell: (row) => <CommitCell row={row} /> },
  { key: 'by', title: 'By', cell: (row) => <ByCell row={row} /> },
  {
    key: 'created',
    title: 'Started',
    order: 'createdAt',
    cell: (row) => <When at={runOf(row).createdAt} />,
  },
  { key: 'took', title: 'Took', number: true, cell: (row) => <TookCell row={row} /> },
]

/** Every run of the stack, the newest first. */
export default function StackRuns() {
  const stack = useStack()
  const looking = useView()
  const wanted = asked(looking.view)
  const input = {
    ...wanted,
    predicates: [
      ...wanted.predicates,
      { field: 'stack', constraint: { stringMatches: [stack.id] }, exclude: null },
    ],
  }
  const { data, error } = useStackQuery(StackRunsQuery, { input })
  return (
    <Stack gap="md">
      {error && <Refused title="The runs could not be loaded" error={error} />}
      <Listing
        name="Runs"
        hint="Words of the title, or a run's id"
        columns={COLUMNS}
        filters={[TYPE_FILTER, stateFilter()]}
        rows={data?.searchRuns.edges.map((edge) => edge.node.run)}
        keyOf={(row) => runOf(row).id}
        nameOf={(row) => runOf(row).title}
        looking={looking}
        page={data?.searchRuns.pageInfo}
        empty={
          narrowed(looking.view) ? (
            <NoneFit title="No run fits" looking={looking}>
              Other words or fewer filters may find it.
            </NoneFit>
          ) : (
            <Empty title="No run yet">
              Trigger one above. It plans the newest commit of {stack.branch}, and waits with the plan until
              somebody confirms it.
            </Empty>
          )
        }
      />
    </Stack>
  )
}
