// A relying party on openid-client that shows a certificate (RFC 8705), as its
// documentation says to write one: the server's metadata lead it to the addresses for
// that. How a certificate is shown is left to the fetch that it is given, which here is
// Node's own https.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import * as client from 'openid-client'
import { end, given, open, step } from './story.mjs'

const ca = readFileSync(given.ca)
const [own, another] = [given.certificate, given.another].map(({ cert, key }) => ({ cert: readFileSync(cert), key: readFileSync(key) }))

// showing is a fetch whose connections to https show a certificate, or none.
const showing = (certificate) => async (url, { method, headers, body }) => {
  if (!url.startsWith('https:')) return fetch(url, { method, headers, body })
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...certificate, ca, method, headers: Object.fromEntries(new Headers(headers)), agent: false }, async (answer) => {
      const parts = []
      for await (const part of answer) parts.push(part)
      resolve(new Response(Buffer.concat(parts), { status: answer.statusCode, headers: Object.entries(answer.headers).flatMap(([name, value]) => [].concat(value).map((one) => [name, one])) }))
    })
    sent.on('error', reject).end(body === undefined || body === null ? undefined : String(body))
  })
}

const authentication = {
  tls_client_auth: () => client.TlsClientAuth(),
  self_signed_tls_client_auth: () => client.TlsClientAuth(),
  none: () => client.None(),
}[given.method]()

// refused holds an error to its code. Of a 401 the library gives the challenge alone,
// which at the token endpoint is of Basic and has no code.
const refused = (code) => (error) => {
  if (code === 'invalid_client') assert.equal(error.status, 401)
  else assert.equal(error.error ?? error.cause?.[0]?.parameters?.error, code)
  return true
}

let config
await step('discovery', async () => {
  config = await client.discovery(new URL(given.issuer), given.client_id, { use_mtls_endpoint_aliases: true }, authentication, { execute: [client.allowInsecureRequests] })
  config[client.customFetch] = showing(own)
  const server = config.serverMetadata()
  assert.equal(server.tls_client_certificate_bound_access_tokens, true)
  assert.ok(given.method === 'none' || server.token_endpoint_auth_methods_supported.includes(given.method))
})

let tokens
await step('code with PKCE on a connection with a certificate', async () => {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const back = await open(client.buildAuthorizationUrl(config, {
    redirect_uri: given.callback, scope: 'openid email offline_access', state: expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  }))
  tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState })
})

await step('userinfo with the certificate', async () => {
  const told = await client.fetchUserInfo(config, tokens.access_token, given.sub)
  assert.equal(told.email, given.email)
})

await step('userinfo with another certificate, and with none', async () => {
  for (const certificate of [another, {}]) {
    config[client.customFetch] = showing(certificate)
    await assert.rejects(client.fetchUserInfo(config, tokens.access_token, given.sub), refused('invalid_token'))
  }
  config[client.customFetch] = showing(own)
})

if (given.method !== 'none') {
  await step('introspection', async () => {
    const told = await client.tokenIntrospection(config, tokens.access_token)
    assert.equal(told.active, true)
    assert.equal(told.cnf['x5t#S256'], given.thumbprint)
  })
}

await step('refresh with another certificate, and with none', async () => {
  const code = given.method === 'none' ? 'invalid_grant' : 'invalid_client'
  config[client.customFetch] = showing(another)
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), refused(code))
  config[client.customFetch] = showing({})
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), refused(given.method === 'none' ? 'invalid_request' : 'invalid_client'))
  config[client.customFetch] = showing(own)
})

await step('refresh', async () => {
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(renewed.access_token, tokens.access_token)
  await client.fetchUserInfo(config, renewed.access_token, given.sub)
  tokens = { ...tokens, ...renewed }
})

await step('revocation', async () => {
  await client.tokenRevocation(config, tokens.refresh_token)
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), refused('invalid_grant'))
})

end()
