// Two identity providers on one port: OpenID Connect by oidc-provider, SAML 2.0 by samlp.
// Whoever signs in is called as they say, and any password will do.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

// The packages lie beside package.json's copy, not beside this file.
const require = createRequire(`${process.env.PACKAGES}/package.json`)
const { default: Provider } = await import(require.resolve('oidc-provider'))
const samlp = require('samlp')

const { ISSUER, PORT, INSTALLATION, CERTIFICATE, KEY } = process.env
const GROUPS = { alice: ['Platform', 'Everybody'] }

function person(login) {
  return {
    preferred_username: login,
    name: `${login[0].toUpperCase()}${login.slice(1)} Example`,
    email: `${login}@example.com`,
    email_verified: true,
    groups: GROUPS[login] ?? ['Everybody'],
  }
}

const signing = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const oidc = new Provider(ISSUER, {
  clients: [
    {
      client_id: 'gantry',
      client_secret: 'a secret of: the client & ours',
      redirect_uris: [`${INSTALLATION}/oidc/exchange`],
    },
  ],
  jwks: { keys: [{ ...signing.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }] },
  cookies: { keys: ['a key of these tests'] },
  pkce: { required: () => true },
  scopes: ['openid', 'email', 'profile', 'groups'],
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'preferred_username'],
    groups: ['groups'],
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...person(id) }) }),
})

class Names {
  constructor(user) {
    this.user = user
  }
  getClaims() {
    const [first, last] = this.user.name.split(' ')
    const { email, groups } = this.user
    return { GivenName: first, LastName: last, email, Groups: groups }
  }
  getNameIdentifier() {
    return { nameIdentifier: this.user.preferred_username }
  }
}
Names.prototype.metadata = []

const saml = samlp.auth({
  issuer: `${ISSUER}/saml/metadata`,
  cert: CERTIFICATE,
  key: KEY,
  getPostURL: (audience, request, _, done) =>
    done(null, request.documentElement.getAttribute('AssertionConsumerServiceURL')),
  recipient: `${INSTALLATION}/saml/acs`,
  destination: `${INSTALLATION}/saml/acs`,
  lifetimeInSeconds: 300,
  profileMapper: (user) => new Names(user),
  getUserFromRequest: (request) => person(request.query.login),
})
const certificate = CERTIFICATE.replace(/-----[A-Z ]+-----|\s/g, '')
const metadata = `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"
  entityID="${ISSUER}/saml/metadata"><IDPSSODescriptor
  protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">
  <KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${certificate}
  </X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService
  Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${ISSUER}/saml/sso"/>
  </IDPSSODescriptor></EntityDescriptor>`

function signInSaml(request, response, query) {
  if (!query.login) {
    const kept = Object.entries(query)
      .map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`)
      .join('')
    response.setHeader('content-type', 'text/html')
    response.end(`<form>${kept}<label>Login <input name="login"></label><button>Go on</button></form>`)
    return
  }
  // What the library uses of Express.
  response.set = (name, value) => response.setHeader(name, value)
  response.send = (said, body) => {
    if (typeof said === 'number') response.statusCode = said
    response.end(typeof said === 'number' ? String(body ?? '') : said)
  }
  request.query = query
  saml(request, response, (error) => response.send(500, error.message))
}

const callback = oidc.callback()
createServer((request, response) => {
  const url = new URL(request.url, ISSUER)
  if (url.pathname === '/saml/metadata') {
    response.setHeader('content-type', 'application/samlmetadata+xml')
    response.end(metadata)
  } else if (url.pathname === '/favicon.ico') {
    // Browsers ask, and complain of pages that have none.
    response.writeHead(204).end()
  } else if (url.pathname === '/saml/sso') {
    signInSaml(request, response, Object.fromEntries(url.searchParams))
  } else {
    callback(request, response)
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log('ready'))
