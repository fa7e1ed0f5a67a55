import { notifications } from '@mantine/notifications'

/** Tells what has just been done. Goes away by itself. */
export function tell(title: string, message?: string): void {
  notifications.show({ title, message: message ?? '', color: 'green', autoClose: 5000 })
}

/** Tells what could not be done. Stays until it is put away. */
export function warn(title: string, message: string): void {
  notifications.show({ title, message, color: 'red', autoClose: false })
}
