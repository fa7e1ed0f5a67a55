import { graphql, type ResultOf, type VariablesOf } from '~/graphql/gql'

/** Everything that `stackUpdate` takes: an update is the whole of it. */
export const SettingsQuery = graphql(`
  query StackSettings($id: ID!) {
    stack(id: $id) {
      id
      name
      description
      labels
      space
      administrative
      provider
      namespace
      repository
      repositoryURL
      branch
      projectRoot
      additionalProjectGlobs
      gitSparseCheckoutPaths
      vcsIntegration {
        id
      }
      autodeploy
      autoretry
      githubActionDeploy
      localPreviewEnabled
      protectFromDeletion
      enableWellKnownSecretMasking
      enableSensitiveOutputUpload
      isDisabled
      managesStateFile
      runnerImage
      workerPool {
        id
      }
      hooks {
        beforeInit
        afterInit
        beforePlan
        afterPlan
        beforeApply
        afterApply
        beforePerform
        afterPerform
        beforeDestroy
        afterDestroy
        afterRun
      }
      vendorConfig {
        kind: __typename
        ... on StackConfigVendorTerraform {
          version
          workspace
          useSmartSanitization
          externalStateAccessEnabled
          terraformTool: workflowTool
        }
        ... on StackConfigVendorOpenTofu {
          version
          workspace
          useSmartSanitization
          externalStateAccessEnabled
          concise
          tofuTool: workflowTool
        }
        ... on StackConfigVendorTerragrunt {
          terraformVersion
          terragruntVersion
          tool
          useRunAll
          useSmartSanitization
          useStateManagement
          skipReplan
          skipReplanWhenRunAll
          prefixResourceNamesWithModuleName
        }
        ... on StackConfigVendorAnsible {
          playbook
        }
        ... on StackConfigVendorCloudFormation {
          entryTemplateFile
          region
          stackName
          templateBucket
        }
        ... on StackConfigVendorKubernetes {
          kubeNamespace: namespace
          kubectlVersion
          kubernetesWorkflowTool
        }
        ... on StackConfigVendorPulumi {
          loginURL
          pulumiStack: stackName
        }
      }
    }
  }
`)

export const UpdateMutation = graphql(`
  mutation UpdateStack($id: ID!, $input: StackInput!) {
    stackUpdate(id: $id, input: $input) {
      id
      name
      sourceProblem
    }
  }
`)

export type Kept = NonNullable<ResultOf<typeof SettingsQuery>['stack']>
export type StackInput = VariablesOf<typeof UpdateMutation>['input']
type VendorConfig = NonNullable<StackInput['vendorConfig']>

/** The tool's settings as they are sent back. */
function vendorOf(config: Kept['vendorConfig']): VendorConfig {
  switch (config.kind) {
    case 'StackConfigVendorTerraform': {
      const { kind: _, terraformTool, ...rest } = config
      return { terraform: { ...rest, workflowTool: terraformTool } }
    }
    case 'StackConfigVendorOpenTofu': {
      const { kind: _, tofuTool, ...rest } = config
      return { opentofu: { ...rest, workflowTool: tofuTool } }
    }
    case 'StackConfigVendorTerragrunt': {
      const { kind: _, ...rest } = config
      return { terragrunt: rest }
    }
    case 'StackConfigVendorAnsible':
      return { ansible: { playbook: config.playbook } }
    case 'StackConfigVendorCloudFormation': {
      const { kind: _, ...rest } = config
      return { cloudFormation: rest }
    }
    case 'StackConfigVendorKubernetes': {
      const { kubeNamespace, kubectlVersion, kubernetesWorkflowTool } = config
      return { kubernetes: { namespace: kubeNamespace, kubectlVersion, kubernetesWorkflowTool } }
    }
    case 'StackConfigVendorPulumi':
      return { pulumi: { loginURL: config.loginURL, stackName: config.pulumiStack } }
  }
}

/** The whole of a stack's settings, as an update takes it: sent back as it is, nothing changes. */
export function inputOf(kept: Kept): StackInput {
  const { id: _, managesStateFile: __, vendorConfig, vcsIntegration, workerPool, hooks, ...plain } = kept
  return {
    ...plain,
    ...hooks,
    vcsIntegrationId: vcsIntegration?.id ?? null,
    workerPool: workerPool?.id ?? null,
    vendorConfig: vendorOf(vendorConfig),
  }
}
