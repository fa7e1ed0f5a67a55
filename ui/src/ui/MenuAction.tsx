import { Menu, Text } from '@mantine/core'
import type { ReactNode } from 'react'

interface MenuActionProps {
  children: ReactNode
  icon?: ReactNode
  /** Why it cannot be chosen now. Whoever gives none gets an item that works. */
  why?: string | null | undefined
  red?: boolean | undefined
  onClick: () => void
}

/** An item of a menu; one that cannot be chosen now stays reachable by keyboard, and says why below its name. */
export function MenuAction({ icon, why, red, onClick, children }: MenuActionProps) {
  return (
    <Menu.Item
      leftSection={icon}
      {...(why ? { 'aria-disabled': true, closeMenuOnClick: false } : { onClick })}
    >
      <Text span size="sm" c={why ? 'dimmed' : red ? 'var(--mantine-color-red-text)' : 'inherit'}>
        {children}
      </Text>
      {why && <Reason>{why}</Reason>}
    </Menu.Item>
  )
}

/** Something that is shown or not; what cannot be changed says why. */
export function MenuCheck(props: {
  children: ReactNode
  checked: boolean
  why?: string | undefined
  onChange: () => void
}) {
  return (
    <Menu.CheckboxItem
      checked={props.checked}
      {...(props.why ? { 'aria-disabled': true } : { onChange: props.onChange })}
    >
      <Text span size="sm" c={props.why ? 'dimmed' : 'inherit'}>
        {props.children}
      </Text>
      {props.why && <Reason>{props.why}</Reason>}
    </Menu.CheckboxItem>
  )
}

function Reason({ children }: { children: ReactNode }) {
  return (
    <Text size="xs" c="dimmed" style={{ whiteSpace: 'normal' }}>
      {children}
    </Text>
  )
}
