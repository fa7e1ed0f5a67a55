import { Empty } from '~/ui'

/** What stands in the place of people for those who may not see them. */
export function OnlyRoot({ what }: { what: string }) {
  return (
    <Empty title={`Only administrators of the root space see ${what}`}>
      You need the right SPACE_ADMIN in the root space. In spaces of yours you can give roles to whoever tells you
      their id.
    </Empty>
  )
}
