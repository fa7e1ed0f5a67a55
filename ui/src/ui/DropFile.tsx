import { Stack, Text } from '@mantine/core'
import { IconUpload } from '@tabler/icons-react'
import { useId, useState } from 'react'

import classes from './DropFile.module.css'

interface DropFileProps {
  label: string
  /** What kind of file is wanted. */
  hint: string
  accept: string
  /** The name of the file that was chosen. */
  chosen: string | undefined
  onFile: (file: File) => void
}

/** A place to drop a file on. It is the browser's own field for files, spread over the place. */
export function DropFile(props: DropFileProps) {
  const [over, setOver] = useState(false)
  const hint = useId()
  return (
    <div className={classes.place} data-over={over || undefined}>
      <Stack gap={4} align="center">
        <IconUpload size={28} stroke={1.4} aria-hidden />
        <Text size="sm" fw={600}>
          {props.chosen ?? 'Drop the file here, or choose it'}
        </Text>
        <Text size="xs" c="dimmed" id={hint}>
          {props.chosen ? 'Drop or choose another one to take its place' : props.hint}
        </Text>
      </Stack>
      <input
        type="file"
        className={classes.field}
        accept={props.accept}
        aria-label={props.label}
        aria-describedby={hint}
        onDragEnter={() => setOver(true)}
        onDragLeave={() => setOver(false)}
        onDrop={() => setOver(false)}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0]
          if (file) props.onFile(file)
          // So that the same file can be chosen again, once it was mended.
          event.currentTarget.value = ''
        }}
      />
    </div>
  )
}
