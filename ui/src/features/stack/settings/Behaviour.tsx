import { TagsInput } from '~/ui'

import type { Form } from './form'
import { OnOff, Section } from './Section'

/** What happens by itself, and what is allowed. */
export function Behaviour({ form }: { form: Form }) {
  return (
    <>
      <Section title="Behaviour">
        <OnOff
          form={form}
          field="autodeploy"
          label="Deploy by itself"
          words="Plans are applied without anybody's confirmation, unless the stack is locked"
        />
        <OnOff
          form={form}
          field="githubActionDeploy"
          label="Previews may be promoted"
          words="A finished preview can become a run of the same commit"
        />
        <OnOff
          form={form}
          field="localPreviewEnabled"
          label="Local previews"
          words="People with the right to may preview the code on their own computers, with the stack's credentials"
        />
        <OnOff
          form={form}
          field="protectFromDeletion"
          label="Protect from deletion"
          words="Nobody can delete the stack until this is switched off"
        />
        <OnOff
          form={form}
          field="enableWellKnownSecretMasking"
          label="Mask what looks like a secret"
          words="In logs, also what was not given as one: keys of clouds, tokens, private keys"
        />
        <OnOff
          form={form}
          field="enableSensitiveOutputUpload"
          label="Keep sensitive outputs"
          words="Sealed, for those who use them; they are never shown here"
        />
        <OnOff
          form={form}
          field="administrative"
          label="Administrative"
          words="Its runs may do everything in its space and beneath, and nothing by roles that it was given. Roles say the same more narrowly"
        />
      </Section>
      <Section
        title="Without effect in this release"
        words="Kept for clients that set them. Nothing here changes what runs do."
      >
        <OnOff
          form={form}
          field="autoretry"
          label="Retry outdated previews"
          words="When the code or the state under them has changed"
        />
        <TagsInput
          label="Further paths"
          description="Outside of the project root, whose changes concern the stack"
          value={form.value.additionalProjectGlobs ?? []}
          onChange={(additionalProjectGlobs) => form.set({ additionalProjectGlobs })}
        />
      </Section>
    </>
  )
}
