import { execFileSync } from 'node:child_process'

import { describe, expect, it } from 'vitest'

import { curlOf, quoted } from './curl'
import { EMPTY, type Draft } from './draft'
import { hclOf, label, text } from './hcl'
import { creationOf } from './input'

const AT = 'https://gantry.example.com'
const PLAIN: Draft = {
  ...EMPTY,
  repositoryURL: 'https://git.example.com/acme/infra.git',
  branch: 'main',
  projectRoot: '/net/core/',
}
const ODD = `it's "quoted" \${var.x} %{ if y } $\${z} back\\slash\nnext\ttab \u0001 é🐢 $(touch x) \`id\` !!`

describe('a text in Terraform', () => {
  it.each([
    ['plain', '"plain"'],
    ['a "b" \\c', '"a \\"b\\" \\\\c"'],
    ['one\r\n\ttwo', '"one\\r\\n\\ttwo"'],
    ['${var.secret}', '"$${var.secret}"'],
    ['%{ for x in y }', '"%%{ for x in y }"'],
    ['$${x} $ % {', '"$$${x} $ % {"'],
    ['\\${x}', '"\\\\$${x}"'],
    ['été 🐢', '"été 🐢"'],
    ['\u0000\u007f\u2028', '"\\u0000\\u007f\\u2028"'],
    ['\ud800', '"\ufffd"'],
  ])('means itself: %j', (given, written) => {
    expect(text(given)).toBe(written)
  })
})

describe('the name of a resource', () => {
  it.each([
    ['Network core', 'network_core'],
    ['  été--1 ', 'ete_1'],
    ['1st', 'stack_1st'],
    ['🐢', 'stack'],
  ])('%j', (name, written) => {
    expect(label(name)).toBe(written)
  })
})

describe('a stack in Terraform', () => {
  it('says what was chosen, and what the provider would assume otherwise', () => {
    expect(hclOf(PLAIN, AT)).toBe(`terraform {
  required_providers {
    spacelift = {
      source = "spacelift-io/spacelift"
    }
  }
}

# The key is read from SPACELIFT_API_KEY_ID and SPACELIFT_API_KEY_SECRET.
provider "spacelift" {
  api_key_endpoint = "https://gantry.example.com"
}

resource "spacelift_stack" "infra_net_core" {
  name     = "infra net core"
  space_id = "root"

  repository   = "infra"
  branch       = "main"
  project_root = "net/core"

  enable_well_known_secret_masking = true
  enable_sensitive_outputs_upload  = false

  raw_git {
    namespace = "acme"
    url       = "https://git.example.com/acme/infra.git"
  }
}
`)
  })

  it('names the tool, the pool, the labels and the hooks', () => {
    const written = hclOf(
      {
        ...PLAIN,
        tool: 'OPENTOFU',
        version: '~> 1.8',
        manageState: false,
        workspace: 'blue',
        workerPool: '01POOL',
        labels: ['team:a', 'b"c'],
        hooks: { beforeInit: 'echo "${HOME}"\n\n./x.sh', afterRun: 'date' },
      },
      AT,
    )
    expect(written).toContain(`  opentofu {
    version                = "~> 1.8"
    workspace              = "blue"
    use_smart_sanitization = false
  }`)
    expect(written).toContain('labels   = ["team:a", "b\\"c"]')
    expect(written).toContain('manage_state = false')
    expect(written).toContain('worker_pool_id                   = "01POOL"')
    expect(written).toContain('before_init = ["echo \\"$${HOME}\\"", "./x.sh"]')
    expect(written).toContain('after_run   = ["date"]')
    expect(written).not.toContain('terraform_version')
  })
})

describe('a call for a shell', () => {
  it.each([['plain'], ["it's"], ["''"], [ODD], ['']])('%j is one word', (word) => {
    const said = execFileSync('sh', ['-c', `printf %s ${quoted(word)}`]).toString()
    expect(said).toBe(word)
  })

  it('sends exactly what the form sends', () => {
    const draft: Draft = {
      ...PLAIN,
      name: ODD,
      description: ODD,
      labels: [ODD],
      hooks: { beforePlan: ODD },
    }
    // In curl's place a function that shows its last argument.
    const program = `curl() { while [ $# -gt 1 ]; do shift; done; printf %s "$1"; }\n${curlOf(draft, AT)}`
    const body: unknown = JSON.parse(execFileSync('sh', ['-c', program]).toString())
    expect(body).toHaveProperty('variables', creationOf(draft))
    expect(curlOf(draft, AT).startsWith("curl --fail-with-body 'https://gantry.example.com/graphql'")).toBe(true)
  })
})
