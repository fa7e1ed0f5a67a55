import { describe, expect, it } from 'vitest'

import { faultsOf, faultsSaid, nameOf } from './faults'
import { changesOf } from '~/lib/changes'

import { inputOf, type Kept } from './settings'

const KEPT: Kept = {
  id: 'network',
  name: 'Network',
  description: null,
  labels: ['a'],
  space: 'root',
  administrative: false,
  provider: 'GIT',
  namespace: '',
  repository: 'code',
  repositoryURL: 'https://git.example/code.git',
  branch: 'main',
  projectRoot: null,
  additionalProjectGlobs: [],
  gitSparseCheckoutPaths: [],
  vcsIntegration: null,
  autodeploy: false,
  autoretry: false,
  githubActionDeploy: true,
  localPreviewEnabled: false,
  protectFromDeletion: false,
  enableWellKnownSecretMasking: false,
  enableSensitiveOutputUpload: false,
  isDisabled: false,
  managesStateFile: true,
  runnerImage: null,
  workerPool: { id: 'builders' },
  hooks: {
    beforeInit: ['make'],
    afterInit: [],
    beforePlan: [],
    afterPlan: [],
    beforeApply: [],
    afterApply: [],
    beforePerform: [],
    afterPerform: [],
    beforeDestroy: [],
    afterDestroy: [],
    afterRun: [],
  },
  vendorConfig: {
    kind: 'StackConfigVendorOpenTofu',
    version: '1.8.x',
    workspace: null,
    useSmartSanitization: false,
    externalStateAccessEnabled: true,
    concise: false,
    tofuTool: 'OPENTOFU',
  },
}

describe('the settings that are sent', () => {
  it('are all that are kept', () => {
    const input = inputOf(KEPT)
    expect(input).toMatchObject({ name: 'Network', beforeInit: ['make'], workerPool: 'builders' })
    expect(input.vendorConfig).toEqual({
      opentofu: {
        version: '1.8.x',
        workspace: null,
        useSmartSanitization: false,
        externalStateAccessEnabled: true,
        concise: false,
        workflowTool: 'OPENTOFU',
      },
    })
    for (const name of ['id', 'hooks', 'vcsIntegration', 'managesStateFile']) expect(input).not.toHaveProperty(name)
    expect(JSON.stringify(input)).not.toContain('StackConfigVendor')
  })

  it('of tools that no worker runs stay as they are', () => {
    const pulumi = { kind: 'StackConfigVendorPulumi', loginURL: 's3://a', pulumiStack: 'dev' } as const
    expect(inputOf({ ...KEPT, vendorConfig: pulumi }).vendorConfig).toEqual({
      pulumi: { loginURL: 's3://a', stackName: 'dev' },
    })
    const cube = {
      kind: 'StackConfigVendorKubernetes',
      kubeNamespace: 'web',
      kubectlVersion: null,
      kubernetesWorkflowTool: 'KUBERNETES',
    } as const
    expect(inputOf({ ...KEPT, vendorConfig: cube }).vendorConfig).toEqual({
      kubernetes: { namespace: 'web', kubectlVersion: null, kubernetesWorkflowTool: 'KUBERNETES' },
    })
  })

  it('differ only where something was changed', () => {
    const input = inputOf(KEPT)
    expect(changesOf(input, { ...input, labels: ['a'], branch: 'main' })).toEqual({})
    expect(changesOf(input, { ...input, labels: ['a', 'b'], autodeploy: true })).toEqual({
      labels: ['a', 'b'],
      autodeploy: true,
    })
  })
})

describe('faults', () => {
  it('that can be seen at once stand beside their fields', () => {
    const input = { ...inputOf(KEPT), name: ' ', projectRoot: 'a/../b', repositoryURL: '' }
    expect(Object.keys(faultsOf(input)).toSorted()).toEqual(['name', 'projectRoot', 'repositoryURL'])
    expect(faultsOf(inputOf(KEPT))).toEqual({})
  })

  it('that the server lists stand beside their fields as well', () => {
    expect(
      faultsSaid(
        'stack has 2 errors: opentofu: invalid OpenTofu version constraints: improper constraint: "x"; project root: must be a path inside the repository',
      ),
    ).toEqual({
      vendorConfig: 'invalid OpenTofu version constraints: improper constraint: "x"',
      projectRoot: 'must be a path inside the repository',
    })
    expect(faultsSaid('unauthorized: you need something')).toEqual({})
  })

  it('name their fields as people do', () => {
    expect(nameOf('workerPool')).toBe('worker pool')
    expect(nameOf('beforeInit')).toBe('before init')
    expect(nameOf('branch')).toBe('branch')
  })
})
