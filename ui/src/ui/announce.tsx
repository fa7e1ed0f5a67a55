import { Anchor } from '@mantine/core'
import { notifications } from '@mantine/notifications'

interface News {
  /** What it is about: newer news of the same takes the place of this one. */
  id: string
  title: string
  words: string
  color: string
  /** Where it leads. */
  href: string
  go: () => void
  /** Milliseconds after which it goes away by itself. */
  lasts: number
}

/** Tells of something that happened elsewhere, with the way there. */
export function announce({ id, title, words, color, href, go, lasts }: News): void {
  notifications.hide(id)
  notifications.show({
    id,
    title,
    color,
    autoClose: lasts,
    message: (
      <Anchor
        href={href}
        size="sm"
        underline="always"
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return
          event.preventDefault()
          notifications.hide(id)
          go()
        }}
      >
        {words}
      </Anchor>
    ),
  })
}
