import { useStack } from '../here'
import { TagsInput, Textarea, TextInput } from '~/ui'

import type { Form } from './form'
import { Section } from './Section'

/** What the stack is called and where it belongs. */
export function Identity({ form }: { form: Form }) {
  const stack = useStack()
  const { value, set, faults } = form
  return (
    <Section title="Name and place">
      <TextInput
        label="Name"
        description={`Its id stays ${stack.id}: links and clients go on working`}
        value={value.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        error={faults.name}
        required
      />
      <Textarea
        label="Description"
        value={value.description ?? ''}
        onChange={(event) => set({ description: event.currentTarget.value || null })}
        error={faults.description}
        autosize
        minRows={2}
      />
      <TagsInput
        label="Labels"
        description="Enter after each"
        value={value.labels ?? []}
        onChange={(labels) => set({ labels: labels.toSorted() })}
        error={faults.labels}
      />
      <TextInput
        label="Space"
        description="This installation has one space only: there is none to move it to"
        value={stack.spaceDetails.name}
        readOnly
        variant="filled"
      />
    </Section>
  )
}
