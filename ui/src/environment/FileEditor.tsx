import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { EditorState } from '@codemirror/state'
import { EditorView, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'

import { useComputedColorScheme } from '~/ui'

interface Props {
  label: string
  path: string
  /** What it begins with; what is typed does not come back in. */
  text: string
  onChange: (text: string) => void
}

const LOOKS = EditorView.theme({
  '&': {
    border: '1px solid var(--mantine-color-default-border)',
    borderRadius: 'var(--mantine-radius-default)',
    fontSize: 'var(--mantine-font-size-sm)',
    height: '280px',
  },
  '&.cm-focused': { outline: '2px solid var(--mantine-primary-color-filled)' },
  '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--mantine-color-dimmed)', border: 'none' },
  '.cm-content': { caretColor: 'var(--mantine-color-text)' },
})

/** An editor for the content of a file: line numbers, undo, and characters that do not show. */
export default function FileEditor({ label, path, text, onChange }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const changed = useRef(onChange)
  useEffect(() => {
    changed.current = onChange
  })
  const dark = useComputedColorScheme('light') === 'dark'
  useEffect(() => {
    if (!place.current) return
    const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? ''
    const view = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          EditorView.cspNonce.of(nonce),
          // Line ends stay as they are: the file is the same, byte by byte, but for what is typed.
          EditorState.lineSeparator.of(text.includes('\r\n') ? '\r\n' : '\n'),
          lineNumbers(),
          highlightSpecialChars(),
          history(),
          // Tab leaves the editor, as it leaves every field.
          keymap.of([...defaultKeymap, ...historyKeymap]),
          LOOKS,
          EditorView.darkTheme.of(dark),
          EditorView.contentAttributes.of({ 'aria-label': `${label} of ${path || 'the file'}`, spellcheck: 'false' }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed.current(update.state.sliceDoc())
          }),
        ],
      }),
    })
    return () => view.destroy()
    // The editor keeps what is typed; it begins anew only with the page's colours.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [dark])
  return <div ref={place} />
}
