import { describe, expect, it } from 'vitest'

import { cleanRoot, EMPTY, forget, keep, kept, nameOf, placeOf, stepOf, suggestedName } from './draft'
import { faultsOf, missing, PASSWORD } from './faults'
import { creationOf } from './input'

class Shelf implements Storage {
  private readonly held = new Map<string, string>()
  get length() {
    return this.held.size
  }
  key(index: number) {
    return [...this.held.keys()][index] ?? null
  }
  getItem(name: string) {
    return this.held.get(name) ?? null
  }
  setItem(name: string, value: string) {
    this.held.set(name, value)
  }
  removeItem(name: string) {
    this.held.delete(name)
  }
  clear() {
    this.held.clear()
  }
}

describe('a repository by its address', () => {
  it.each([
    ['https://git.example.com/acme/infra.git', 'infra', 'acme'],
    ['https://git.example.com:8443/a/b/infra/', 'infra', 'a/b'],
    ['ssh://git@example.com/acme/infra', 'infra', 'acme'],
    ['git@example.com:acme/infra.git', 'infra', 'acme'],
    ['file:///srv/a%20b', 'a b', 'srv'],
    ['https://git.example.com', '', ''],
    ['', '', ''],
    ['https://x/%zz', '%zz', ''],
  ])('%s', (url, repository, namespace) => {
    expect(placeOf(url)).toEqual({ repository, namespace })
  })
})

describe('a draft', () => {
  it('has a name until somebody gives it another', () => {
    const draft = { ...EMPTY, repositoryURL: 'https://x/acme/infra.git', projectRoot: 'net//core/' }
    expect(suggestedName(draft)).toBe('infra net core')
    expect(nameOf({ ...draft, name: ' Mine ' })).toBe('Mine')
    expect(cleanRoot('./net//core/')).toBe('net/core')
  })

  it('is as it was after a reload, and gone once it is a stack', () => {
    const shelf = new Shelf()
    const draft = { ...EMPTY, branch: 'main', labels: ['a'], hooks: { beforeInit: 'x' } }
    keep(draft, shelf)
    expect(kept(shelf)).toEqual(draft)
    forget(shelf)
    expect(kept(shelf)).toEqual(EMPTY)
  })

  it('keeps no password, and nothing of another shape', () => {
    const shelf = new Shelf()
    keep({ ...EMPTY, repositoryURL: 'https://ada:s3cret@x/y' }, shelf)
    expect(shelf.getItem('gantry:new-stack')).not.toContain('s3cret')
    expect(kept(shelf).repositoryURL).toBe('https://x/y')
    shelf.setItem('gantry:new-stack', '{"branch":7,"labels":"x","name":"n","more":1}')
    expect(kept(shelf)).toEqual({ ...EMPTY, name: 'n' })
    shelf.setItem('gantry:new-stack', 'not json')
    expect(kept(shelf)).toEqual(EMPTY)
  })

  it('says only what was said', () => {
    const { input, manageState } = creationOf({
      ...EMPTY,
      repositoryURL: 'https://x/acme/infra',
      branch: 'main',
      workspace: 'ignored while the state is kept here',
    })
    expect(manageState).toBe(true)
    expect(input).not.toHaveProperty('workerPool')
    expect(input).not.toHaveProperty('beforeInit')
    expect(input.vendorConfig).toEqual({ terraform: { workflowTool: 'TERRAFORM_FOSS' } })
  })

  it('knows its step, whatever the address says', () => {
    expect([stepOf('tool'), stepOf('elsewhere'), stepOf(null)]).toEqual(['tool', 'code', 'code'])
  })
})

describe('faults', () => {
  it('are those of an empty form', () => {
    expect(Object.keys(missing(EMPTY))).toEqual(['repositoryURL', 'branch', 'name'])
    expect(missing({ ...EMPTY, repositoryURL: 'https://ada:x@y@h/z' }).repositoryURL).toBe(PASSWORD)
    expect(missing({ ...EMPTY, repositoryURL: 'ssh://git@h:22/a:b@c' })).not.toHaveProperty('repositoryURL')
    expect(missing({ ...EMPTY, projectRoot: 'a/../../b' })).toHaveProperty('projectRoot')
  })

  it('of the server stand at their fields', () => {
    const said =
      'stack has 4 errors: repository URL: is bad; name: must be; or not; labels: too many; name: twice'
    expect(faultsOf(said)).toEqual({
      repositoryURL: 'Is bad.',
      name: 'Must be; or not; twice.',
      labels: 'Too many.',
    })
    expect(faultsOf('worker pool: 01X not found')).toEqual({})
  })
})
