import { notifications } from '@mantine/notifications'

import { Said, type Fault } from './ErrorCode'

/** Tells what has just been done. Goes away by itself. */
export function tell(title: string, message?: string): void {
  notifications.show({ title, message: message ?? '', color: 'green', autoClose: 5000 })
}

/** Tells what could not be done, and why: words of ours, or what the server said. Stays until it is put away. */
export function warn(title: string, why: string | Fault): void {
  const message = typeof why === 'string' ? why : <Said {...why} />
  notifications.show({ title, message, color: 'red', autoClose: false })
}
