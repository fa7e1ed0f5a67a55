/** The stack as a resource of the Terraform provider `spacelift-io/spacelift`. */

import { commandsOf, HOOKS, type Draft } from './draft'
import { creationOf } from './input'

type Value = string | boolean | readonly string[]
type Attributes = readonly (readonly [name: string, value: Value])[]

/** What the provider assumes where nothing is said. */
const ASSUMED: Readonly<Record<string, boolean>> = {
  allow_run_promotion: true,
  autodeploy: false,
  enable_local_preview: false,
  enable_sensitive_outputs_upload: true,
  enable_well_known_secret_masking: false,
  manage_state: true,
  protect_from_deletion: false,
  terraform_external_state_access: false,
}

export function hclOf(draft: Draft, endpoint: string): string {
  const { input, manageState } = creationOf(draft)
  const terraform = input.vendorConfig?.terraform
  const opentofu = input.vendorConfig?.opentofu
  const main = some([
    ['name', input.name],
    ['description', input.description],
    ['space_id', input.space],
    ['labels', input.labels],
  ])
  const source = some([
    ['repository', input.repository],
    ['branch', input.branch],
    ['project_root', input.projectRoot],
  ])
  const tool = some([
    ['terraform_version', terraform?.version],
    ['terraform_workspace', terraform?.workspace],
    ['terraform_external_state_access', terraform?.externalStateAccessEnabled],
    ['manage_state', manageState],
  ])
  const behaviour = some([
    ['worker_pool_id', input.workerPool],
    ['runner_image', input.runnerImage],
    ['autodeploy', input.autodeploy],
    ['allow_run_promotion', input.githubActionDeploy],
    ['enable_local_preview', input.localPreviewEnabled],
    ['enable_well_known_secret_masking', input.enableWellKnownSecretMasking],
    ['enable_sensitive_outputs_upload', input.enableSensitiveOutputUpload],
    ['protect_from_deletion', input.protectFromDeletion],
  ])
  const hooks = some(HOOKS.map(([hook]) => [underscored(hook), commandsOf(draft, hook)]))
  const tofu = opentofu
    ? [
        block(
          'opentofu',
          some([
            ['version', opentofu.version],
            ['workspace', opentofu.workspace],
            ['external_state_access', opentofu.externalStateAccessEnabled],
          ]),
          // The provider assumes more here than was chosen.
          [['use_smart_sanitization', false]],
        ),
      ]
    : []
  const git = block('raw_git', [
    ['namespace', input.namespace ?? ''],
    ['url', input.repositoryURL ?? ''],
  ])
  const parts = [main, source, tool, behaviour, hooks].filter((part) => part.length > 0)
  const body = [...parts.map((part) => lines(part)), git, ...tofu].join('\n\n')
  return `terraform {
  required_providers {
    spacelift = {
      source = "spacelift-io/spacelift"
    }
  }
}

# The key is read from SPACELIFT_API_KEY_ID and SPACELIFT_API_KEY_SECRET.
provider "spacelift" {
  api_key_endpoint = ${text(endpoint)}
}

resource "spacelift_stack" "${label(input.name)}" {
${indented(body)}
}
`
}

/** A text between quotes that means exactly itself: nothing in it is read as a template. */
export function text(value: string): string {
  const escaped = value
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replace(/([$%])\{/g, '$1$1{')
    .replace(/[\p{Cc}\u2028\u2029]/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `"${escaped}"`
}

/** The name of a resource: letters, digits and underscores, a letter first. */
export function label(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{Mn}/gu, '')
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
  return /^[a-z]/.test(plain) ? plain : `stack${plain ? `_${plain}` : ''}`
}

function some(given: readonly (readonly [string, Value | null | undefined])[]): Attributes {
  return given.flatMap(([name, value]) => {
    const idle =
      value == null ||
      value === '' ||
      (Array.isArray(value) && value.length === 0) ||
      (typeof value === 'boolean' && value === (ASSUMED[name] ?? false))
    return idle ? [] : [[name, value] as const]
  })
}

function block(name: string, ...parts: readonly Attributes[]): string {
  return `${name} {\n${indented(lines(parts.flat()))}\n}`
}

/** One attribute a line, with the signs below each other, as `terraform fmt` leaves them. */
function lines(attributes: Attributes): string {
  const widest = Math.max(...attributes.map(([name]) => name.length))
  return attributes.map(([name, value]) => `${name.padEnd(widest)} = ${expression(value)}`).join('\n')
}

function expression(value: Value): string {
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'string' ? text(value) : `[${value.map(text).join(', ')}]`
}

function indented(given: string): string {
  return given
    .split('\n')
    .map((line) => (line ? `  ${line}` : line))
    .join('\n')
}

function underscored(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
