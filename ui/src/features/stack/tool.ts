import type { StackHead } from './here'

const NAMES = {
  StackConfigVendorTerraform: 'Terraform',
  StackConfigVendorOpenTofu: 'OpenTofu',
  StackConfigVendorTerragrunt: 'Terragrunt',
  StackConfigVendorAnsible: 'Ansible',
  StackConfigVendorCloudFormation: 'CloudFormation',
  StackConfigVendorKubernetes: 'Kubernetes',
  StackConfigVendorPulumi: 'Pulumi',
} satisfies Record<StackHead['vendorConfig']['kind'], string>

export function nameOfTool(kind: StackHead['vendorConfig']['kind']): string {
  return NAMES[kind]
}

/** The tool, the versions that are allowed, and the one that the newest run used. */
export function toolOf(stack: Pick<StackHead, 'vendorConfig' | 'effectiveTerraformVersion'>): string {
  const asked = 'version' in stack.vendorConfig ? stack.vendorConfig.version : null
  const used = stack.effectiveTerraformVersion
  const name = nameOfTool(stack.vendorConfig.kind)
  if (!asked && !used) return `${name}, newest version`
  const parts = [name, asked ?? used]
  if (asked && used && asked !== used) parts.push(`(${used} used last)`)
  return parts.join(' ')
}
