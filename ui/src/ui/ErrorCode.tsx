import { Anchor, Text } from '@mantine/core'
import { createContext, useContext } from 'react'

const HelpAt = createContext<((code: string) => string) | undefined>(undefined)

/** Tells the kit, once for all pages, under which address a code is explained. */
export const HelpProvider = HelpAt.Provider

/** What went wrong, as a sentence, and the code that the help explains. */
export interface Fault {
  sentence: string
  code?: string | null | undefined
}

/**
 * An error's code as the way to what it means and what to do. It has the colour of the words around
 * it: that of links does not stand out enough on a red ground.
 */
export function ErrorCode({ code }: { code: string }) {
  const helpAt = useContext(HelpAt)
  return helpAt ? (
    <Anchor href={helpAt(code)} inherit c="inherit" underline="always">
      {code}
    </Anchor>
  ) : (
    code
  )
}

/** The sentence, and below it the code. */
export function Said({ sentence, code }: Fault) {
  return (
    <>
      <Text size="sm">{sentence}</Text>
      {code && (
        <Text size="xs" mt={4}>
          <ErrorCode code={code} />
        </Text>
      )}
    </>
  )
}
