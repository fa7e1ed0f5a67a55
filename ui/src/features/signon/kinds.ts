import type { Settings } from './documents'

/** What an identity provider speaks, as people know it. */
export const KINDS = {
  OIDC: 'OpenID Connect',
  SAML: 'SAML 2.0',
  GITHUB: 'GitHub',
} as const

export type Kind = keyof typeof KINDS

export function kindOf(settings: Settings): Kind | undefined {
  if (settings.oidcSettings) return 'OIDC'
  if (settings.samlSettings) return 'SAML'
  return settings.githubSignOnSettings ? 'GITHUB' : undefined
}

/** One mapping a line, `theirs = ours`, as attribute mappings are written on the page. */
export function mappingsOf(lines: string): { idpAttribute: string; attribute: string }[] {
  return lines
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      // Names of attributes may be addresses, with an = in them.
      const at = line.lastIndexOf('=')
      return at < 0
        ? { idpAttribute: line.trim(), attribute: '' }
        : { idpAttribute: line.slice(0, at).trim(), attribute: line.slice(at + 1).trim() }
    })
}

export function linesOf(mappings: readonly { idpAttribute: string; attribute: string }[]): string {
  return mappings.map((one) => `${one.idpAttribute} = ${one.attribute}`).join('\n')
}
