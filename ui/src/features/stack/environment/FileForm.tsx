import { IconUpload } from '@tabler/icons-react'
import { lazy, Suspense, useState } from 'react'
import { useMutation, useQuery, type CombinedError } from 'urql'

import { Refused } from '~/graphql/Refused'
import { size } from '~/lib/bytes'
import { Action, Button, Coming, FileButton, Group, Modal, Stack, Switch, Text, TextInput, tell } from '~/ui'

import { useStack } from '../here'
import { bytesOf, decoded, encoded, faultOfFile, faultOfPath, textOf } from './content'
import { ElementQuery, own, PutElement, type Given } from './elements'

const FileEditor = lazy(() => import('./FileEditor'))

interface Props {
  /** The one to change; without, a new one. */
  given: Given | undefined
  taken: readonly Given[]
  onClose: () => void
}

/** Mounts a file: written here, pasted, or taken from the viewer's computer. */
export function FileForm({ given, taken, onClose }: Props) {
  return (
    <Modal
      opened
      onClose={onClose}
      title={given ? `File ${given.element.id}` : 'Add a file'}
      size="xl"
      closeOnClickOutside={false}
      centered
    >
      {given && !given.element.writeOnly ? (
        <Present given={given} taken={taken} onClose={onClose} />
      ) : (
        <Fields given={given} taken={taken} before={new Uint8Array()} onClose={onClose} />
      )}
    </Modal>
  )
}

function Present(props: Props & { given: Given }) {
  const stack = useStack()
  const [{ data, error }] = useQuery({
    query: ElementQuery,
    variables: { stack: stack.id, id: props.given.element.id },
    requestPolicy: 'network-only',
  })
  if (error) return <Refused title="The file could not be loaded" error={error} />
  if (!data) return <Coming height={320} />
  return <Fields {...props} before={decoded(data.stack?.configElement?.value ?? '')} />
}

function Fields({ given, taken, before, onClose }: Props & { before: Uint8Array }) {
  const stack = useStack()
  const [path, setPath] = useState(given?.element.id ?? '')
  const [bytes, setBytes] = useState(before)
  // Counts the files taken from the computer: the editor begins anew with each.
  const [taking, setTaking] = useState(0)
  const [touched, setTouched] = useState(false)
  const [secret, setSecret] = useState(given?.element.writeOnly ?? false)
  const [{ fetching }, put] = useMutation(PutElement)
  const [error, setError] = useState<CombinedError>()
  const there = taken.some((one) => own(one) && one.element.id === path)
  const fault = faultOfPath(path) ?? (!given && there ? 'There is one of this path; edit that one.' : undefined)
  const tooLarge = faultOfFile(bytes)
  const why =
    fault ?? tooLarge ?? (path === '' ? 'It needs a path.' : undefined) ??
    (given?.element.writeOnly && !touched ? 'Give its new content: the old one cannot be read.' : undefined)
  const text = textOf(bytes)
  const take = (file: File | null) => {
    if (!file) return
    void file.arrayBuffer().then((content) => {
      setBytes(new Uint8Array(content))
      setTaking((times) => times + 1)
      setTouched(true)
      if (path === '') setPath(file.name)
    })
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (why) return
        const config = {
          id: path,
          type: 'FILE_MOUNT' as const,
          value: encoded(bytes),
          writeOnly: secret,
          description: given?.element.description ?? null,
        }
        void put({ stack: stack.id, config }).then((result) => {
          setError(result.error)
          if (result.error) return
          onClose()
          tell(`${path} is mounted`, 'The next run finds it there.')
        })
      }}
    >
      <Stack gap="md">
        <TextInput
          label="Path"
          description="Below /mnt/workspace; the code lies in /mnt/workspace/source"
          placeholder="source/terraform.tfvars"
          value={path}
          onChange={(event) => setPath(event.currentTarget.value)}
          readOnly={given !== undefined}
          error={fault}
          spellCheck={false}
          autoComplete="off"
          {...(given ? {} : { 'data-autofocus': true })}
        />
        <Group justify="space-between">
          <Text size="sm" fw={500}>
            Content <Text span c="dimmed" size="sm">{`· ${size(bytes.length)}`}</Text>
          </Text>
          <FileButton onChange={take}>
            {(button) => (
              <Button
                {...button}
                variant="default"
                size="xs"
                leftSection={<IconUpload size={15} aria-hidden />}
              >
                Take a file
              </Button>
            )}
          </FileButton>
        </Group>
        {text === undefined ? (
          <Text size="sm" c="dimmed">
            This is no text; it is mounted as it is.
          </Text>
        ) : (
          <Suspense fallback={<Coming height={280} />}>
            <FileEditor
              key={taking}
              label="Content"
              path={path}
              text={text}
              onChange={(next) => {
                setBytes(bytesOf(next))
                setTouched(true)
              }}
            />
          </Suspense>
        )}
        {tooLarge && (
          <Text size="sm" c="red">
            {tooLarge}
          </Text>
        )}
        <Switch
          label="Secret"
          description="Never shown again"
          checked={secret}
          onChange={(event) => setSecret(event.currentTarget.checked)}
        />
        {error && <Refused title="It is not mounted" error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Back
          </Button>
          <Action type="submit" loading={fetching} why={why}>
            {given ? 'Save' : 'Add'}
          </Action>
        </Group>
      </Stack>
    </form>
  )
}
