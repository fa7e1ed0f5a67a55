import { describe, expect, it } from 'vitest'

import { shown } from './outputs'
import { toolOf } from './tool'

const tofu = (version: string | null, used: string | null) =>
  toolOf({ vendorConfig: { kind: 'StackConfigVendorOpenTofu', version }, effectiveTerraformVersion: used })

describe('the tool of a stack', () => {
  it('has the version that was asked for, and the one that was used', () => {
    expect(tofu('~> 1.8', '1.8.3')).toBe('OpenTofu ~> 1.8 (1.8.3 used last)')
    expect(tofu('1.8.3', '1.8.3')).toBe('OpenTofu 1.8.3')
    expect(tofu(null, '1.8.3')).toBe('OpenTofu 1.8.3')
    expect(tofu(null, null)).toBe('OpenTofu, newest version')
  })

  it('may be one whose version nobody asks for', () => {
    const vendorConfig = { kind: 'StackConfigVendorPulumi' } as const
    expect(toolOf({ vendorConfig, effectiveTerraformVersion: null })).toBe('Pulumi, newest version')
  })
})

describe('an output', () => {
  it('is read without the quotes of JSON', () => {
    expect(shown('"a \\"b\\""')).toBe('a "b"')
    expect(shown('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}')
    expect(shown('12')).toBe('12')
    expect(shown('no JSON')).toBe('no JSON')
  })
})
