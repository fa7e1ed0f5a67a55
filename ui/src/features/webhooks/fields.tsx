import { PasswordInput, Switch, TextInput } from '~/ui'

/** What all webhooks have. */
export interface Common {
  endpoint: string
  secret: string
  enabled: boolean
  retryOnFailure: boolean
}

interface Props<F extends Common> {
  given: F
  onChange: (next: F) => void
  /** Whether there is a secret already, which is never shown. */
  hasSecret: boolean
  fault: string | undefined
}

/** Where deliveries go. */
export function EndpointField<F extends Common>({ given, onChange, fault }: Omit<Props<F>, 'hasSecret'>) {
  return (
    <TextInput
      label="Endpoint"
      description="It is sent a POST of JSON, and takes it with a status of 200 to 299."
      placeholder="https://hooks.example.com/gantry"
      type="url"
      value={given.endpoint}
      onChange={(event) => onChange({ ...given, endpoint: event.currentTarget.value })}
      error={given.endpoint === '' ? undefined : fault}
      maxLength={2048}
      spellCheck={false}
      autoComplete="off"
    />
  )
}

/** What deliveries are signed with. */
export function SecretField<F extends Common>({ given, onChange, hasSecret }: Omit<Props<F>, 'fault'>) {
  return (
    <PasswordInput
      label="Secret"
      description={
        hasSecret
          ? 'There is one, which is never shown. What is written here replaces it; left empty, it stays.'
          : 'The endpoint proves with it that a delivery is ours. Without one, deliveries are not signed.'
      }
      value={given.secret}
      onChange={(event) => onChange({ ...given, secret: event.currentTarget.value })}
      maxLength={1024}
      autoComplete="new-password"
      visibilityToggleButtonProps={{ 'aria-label': 'Show the secret' }}
    />
  )
}

/** Whether anything is sent at all. */
export function EnabledField<F extends Common>({ given, onChange }: Omit<Props<F>, 'hasSecret' | 'fault'>) {
  return (
    <Switch
      label="Enabled"
      checked={given.enabled}
      onChange={(event) => onChange({ ...given, enabled: event.currentTarget.checked })}
    />
  )
}

/** Whether a delivery that fails is sent again. */
export function RetryField<F extends Common>({ given, onChange }: Omit<Props<F>, 'hasSecret' | 'fault'>) {
  return (
    <Switch
      label="Retry on failure"
      description="Up to three times, when nobody answers or with a status of 5xx. Later deliveries wait meanwhile."
      checked={given.retryOnFailure}
      onChange={(event) => onChange({ ...given, retryOnFailure: event.currentTarget.checked })}
    />
  )
}
