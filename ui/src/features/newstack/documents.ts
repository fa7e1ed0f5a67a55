import { graphql } from '~/graphql/gql'

export const SourceCheckQuery = graphql(`
  query CheckSource($input: SourceCheckInput!) {
    sourceCheck(input: $input) {
      repository { standing sentence code }
      branch { standing sentence code }
      projectRoot { standing sentence code }
      commit
      defaultBranch
      branches
      moreBranches
      directories
      moreDirectories
    }
  }
`)

export const VersionCheckQuery = graphql(`
  query CheckVersion($input: VersionCheckInput!) {
    versionCheck(input: $input) {
      version { standing sentence code }
      resolved
      offered
    }
  }
`)

export const PlacesQuery = graphql(`
  query PlacesForStacks {
    spaces {
      id
      name
    }
    workerPools {
      id
      name
      workersCount
      spaceDetails {
        id
        name
      }
    }
    publicWorkerPool {
      parallelism
    }
    defaultPublicWorkerPoolRunnerImage
    defaultPrivateWorkerPoolRunnerImage
  }
`)

export const CREATE = `mutation CreateStack($input: StackInput!, $manageState: Boolean!) {
  stackCreate(input: $input, manageState: $manageState) {
    id
    sourceProblem
  }
}`

export const CreateStack = graphql(`
  mutation CreateStack($input: StackInput!, $manageState: Boolean!) {
    stackCreate(input: $input, manageState: $manageState) {
      id
      sourceProblem
    }
  }
`)

export const MadeStackQuery = graphql(`
  query MadeStack($id: ID!) {
    stack(id: $id) {
      id
      name
      branch
      projectRoot
      autodeploy
      sourceProblem
      trackedCommit {
        hash
        message
      }
      workerPool {
        id
        name
        workersCount
      }
      blocker {
        id
      }
    }
    publicWorkerPool {
      parallelism
    }
  }
`)

export const FirstRun = graphql(`
  mutation FirstRun($stack: ID!) {
    runTrigger(stack: $stack, runType: TRACKED) {
      id
    }
  }
`)
