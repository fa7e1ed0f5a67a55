import { canMakeKeys, makePoolKey } from '~/lib/csr'
import { fileName } from '~/lib/save'
import { CopyBlock, FileInput, Radio, Stack, Textarea } from '~/ui'

/** Where the pool's key comes from: made in this page, or on a machine of the operator's. */
export interface KeyChoice {
  how: 'here' | 'own'
  /** The signing request, if it is brought. */
  request: string
}

export function firstChoice(): KeyChoice {
  return { how: canMakeKeys() ? 'here' : 'own', request: '' }
}

/** Why there is no key yet, as a sentence. */
export function keyLacking(choice: KeyChoice): string | undefined {
  if (choice.how === 'here') return undefined
  if (choice.request.trim() === '') return 'Paste the signing request first, or choose its file.'
  return undefined
}

/** The signing request to send, and the private key if it was made here. */
export async function keyFor(
  choice: KeyChoice,
  name: string,
): Promise<{ request: string; privateKey: string | undefined }> {
  if (choice.how === 'own') return { request: choice.request, privateKey: undefined }
  return await makePoolKey(name)
}

export function KeyChooser(props: {
  choice: KeyChoice
  onChange: (choice: KeyChoice) => void
  name: string
}) {
  const { choice, onChange } = props
  const possible = canMakeKeys()
  const file = fileName(props.name || 'pool')
  const command = `openssl req -new -newkey rsa:4096 -nodes -keyout ${file}.key -out ${file}.csr -subj /CN=${file}`
  return (
    <Stack gap="sm">
      <Radio.Group
        label="Key of the pool"
        description="Workers prove with it who they are, and open with it what they are sent. Gantry never has it."
        value={choice.how}
        onChange={(how) => onChange({ ...choice, how: how === 'own' ? 'own' : 'here' })}
      >
        <Stack gap="xs" mt="xs">
          <Radio
            value="here"
            disabled={!possible}
            label="Make it in this page"
            description={
              possible
                ? 'Your browser makes the key, and you download it in the next step. It is sent nowhere.'
                : 'Browsers make keys only on pages that come over https or from this machine.'
            }
          />
          <Radio
            value="own"
            label="I bring a signing request"
            description="The key is made where the workers are, and stays there."
          />
        </Stack>
      </Radio.Group>
      {choice.how === 'own' && (
        <>
          <CopyBlock label="1. Make the key and the request there" text={command} />
          <Textarea
            label={`2. Paste the request (${file}.csr)`}
            placeholder="-----BEGIN CERTIFICATE REQUEST-----"
            value={choice.request}
            onChange={(event) => onChange({ ...choice, request: event.currentTarget.value })}
            rows={5}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          />
          <FileInput
            label="Or choose its file"
            accept=".csr,.pem,.req"
            onChange={(chosen) => {
              if (chosen) void chosen.text().then((request) => onChange({ ...choice, request }))
            }}
          />
        </>
      )}
    </Stack>
  )
}
