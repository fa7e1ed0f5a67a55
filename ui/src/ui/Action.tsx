import { Button, Tooltip, type ButtonProps } from '@mantine/core'
import type { MouseEvent, ReactNode } from 'react'

interface ActionProps extends Omit<ButtonProps, 'disabled'> {
  children: ReactNode
  onClick?: () => void
  type?: 'button' | 'submit'
  /** Why it cannot be used now. Whoever gives none gets a button that works. */
  why?: string | undefined
  hint?: string | undefined
}

/**
 * A button that says why when it cannot be used. It stays reachable by keyboard, so that the
 * reason can be read by everybody.
 */
export function Action({ why, hint, onClick, type = 'button', children, ...rest }: ActionProps) {
  const label = why ?? hint
  const button = (
    <Button
      {...rest}
      type={why ? 'button' : type}
      {...(why ? { 'data-disabled': true, 'aria-disabled': true, 'aria-description': why } : {})}
      onClick={(event: MouseEvent) => {
        if (why) event.preventDefault()
        else onClick?.()
      }}
    >
      {children}
    </Button>
  )
  return label ? (
    <Tooltip label={label} multiline maw={320} events={{ hover: true, focus: true, touch: true }}>
      {button}
    </Tooltip>
  ) : (
    button
  )
}
