import { IconUpload } from '@tabler/icons-react'
import { lazy, Suspense, useState } from 'react'

import { size } from '~/lib/bytes'
import { Button, Coming, FileButton, Group, Modal, Stack, Switch, Text, TextInput } from '~/ui'

import { bytesOf, decoded, encoded, faultOfFile, faultOfPath, textOf } from './content'
import type { Given, Owner } from './given'
import { FormEnd, Present, useSaving } from './saving'

const FileEditor = lazy(() => import('./FileEditor'))

interface Props {
  owner: Owner
  /** The one to change; without, a new one. */
  given: Given | undefined
  /** Paths that the owner has already. */
  taken: readonly string[]
  onClose: () => void
}

/** Mounts a file: written here, pasted, or taken from the viewer's computer. */
export function FileForm({ owner, given, taken, onClose }: Props) {
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
        <Present owner={owner} id={given.element.id} problem="The file could not be loaded" height={320}>
          {(value) => (
            <Fields owner={owner} given={given} taken={taken} before={decoded(value)} onClose={onClose} />
          )}
        </Present>
      ) : (
        <Fields owner={owner} given={given} taken={taken} before={new Uint8Array()} onClose={onClose} />
      )}
    </Modal>
  )
}

function Fields({ owner, given, taken, before, onClose }: Props & { before: Uint8Array }) {
  const [path, setPath] = useState(given?.element.id ?? '')
  const [bytes, setBytes] = useState(before)
  // Counts the files taken from the computer: the editor begins anew with each.
  const [taking, setTaking] = useState(0)
  const [touched, setTouched] = useState(false)
  const [secret, setSecret] = useState(given?.element.writeOnly ?? false)
  const saving = useSaving(owner, onClose)
  const there = taken.includes(path)
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
        saving.save(config, `${path} is mounted`)
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
        <FormEnd saving={saving} refusal="It is not mounted" verb={given ? 'Save' : 'Add'} why={why} onClose={onClose} />
      </Stack>
    </form>
  )
}
