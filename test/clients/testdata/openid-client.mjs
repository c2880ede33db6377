// A relying party on openid-client, as its examples say to write one. It begins with
// nothing but the issuer and an initial access token; with private_key_jwt it also has
// a server of its own, with its keys, its request object and its logout endpoint.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import * as jose from 'jose'
import * as client from 'openid-client'
import { end, given, open, rotate, step } from './story.mjs'

const alg = 'PS256'
const keyed = given.method === 'private_key_jwt'
const confidential = given.method !== 'none'
const issuer = new URL(given.issuer)
const scope = 'openid email offline_access'

// The site is where the client is reached: what stands at each path, and who asked.
const pages = new Map()
const heard = []
let told = () => {}
const site = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  if (request.url === '/logout') {
    heard.push(new URLSearchParams(body).get('logout_token'))
    response.writeHead(200, { 'cache-control': 'no-store' }).end()
    told()
    return
  }
  response.writeHead(pages.has(request.url) ? 200 : 404).end(pages.get(request.url))
})
site.listen(0, '127.0.0.1')
await once(site, 'listening')
const at = (path) => `http://127.0.0.1:${site.address().port}${path}`

const pair = await crypto.subtle.generateKey(
  { name: 'RSA-PSS', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign', 'verify'])
const own = { key: pair.privateKey, kid: 'own' }
pages.set('/jwks', JSON.stringify({ keys: [{ ...(await jose.exportJWK(pair.publicKey)), kid: own.kid, alg, use: 'sig' }] }))

const authentication = {
  client_secret_basic: () => client.ClientSecretBasic(),
  client_secret_post: () => client.ClientSecretPost(),
  private_key_jwt: () => client.PrivateKeyJwt(own),
  none: () => client.None(),
}[given.method]()

let config
await step('discovery and registration', async () => {
  config = await client.dynamicClientRegistration(issuer, {
    client_name: 'openid-client',
    redirect_uris: [given.callback],
    post_logout_redirect_uris: [given.goodbye],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: given.method,
    id_token_signed_response_alg: given.alg,
    ...(keyed && {
      token_endpoint_auth_signing_alg: alg,
      userinfo_signed_response_alg: alg,
      request_object_signing_alg: alg,
      jwks_uri: at('/jwks'),
      request_uris: [at('/request.jwt')],
      backchannel_logout_uri: at('/logout'),
      backchannel_logout_session_required: true,
      subject_type: 'pairwise',
    }),
  }, authentication, { initialAccessToken: given.initial_access_token, execute: [client.allowInsecureRequests] })
  client.enableNonRepudiationChecks(config)
  assert.equal(config.clientMetadata().id_token_signed_response_alg, given.alg)
})

// signIn sends the user off with the request that build makes of parameters, and
// exchanges what they bring back.
async function signIn(parameters, build = async (all) => client.buildAuthorizationUrl(config, all)) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const expectedNonce = client.randomNonce()
  const back = await open(await build({
    redirect_uri: given.callback,
    scope,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
    ...parameters,
  }))
  return client.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true, maxAge: 3600 })
}

const byValue = (all) => client.buildAuthorizationUrlWithJAR(config, all, own)

let tokens
await step('code with PKCE, state, nonce and max_age', async () => {
  tokens = await signIn({ max_age: '3600', prompt: 'consent' }, keyed ? byValue : undefined)
  const claims = tokens.claims()
  assert.equal(claims.sub === given.sub, !keyed) // a pairwise subject is of the sector alone
  assert.equal(jose.decodeProtectedHeader(tokens.id_token).alg, given.alg)
})

await step('userinfo', async () => {
  const claims = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  assert.equal(claims.email, given.email)
})

await step('refresh', async () => {
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(renewed.access_token, tokens.access_token)
  for (const name of ['iss', 'sub', 'aud', 'auth_time', 'sid']) {
    assert.equal(renewed.claims()[name], tokens.claims()[name], name) // OpenID Connect Core §12.2
  }
  tokens = { ...tokens, ...renewed, claims: renewed.claims }
})

if (confidential) {
  await step('introspection', async () => {
    const told = await client.tokenIntrospection(config, tokens.access_token)
    assert.equal(told.active, true)
    assert.equal(told.sub, tokens.claims().sub)
  })
}

if (keyed) {
  await step('a request object by reference', async () => {
    const before = tokens.claims()
    tokens = await signIn({}, async (all) => {
      const whole = await byValue(all)
      pages.set('/request.jwt', whole.searchParams.get('request'))
      return client.buildAuthorizationUrl(config, { request_uri: at('/request.jwt'), scope, redirect_uri: given.callback })
    })
    assert.equal(tokens.claims().sub, before.sub)
  })

  await step('an authorization request without a request object', async () => {
    const again = await signIn({})
    assert.equal(again.claims().sub, tokens.claims().sub)
  })
}

await step('prompt=login with an id_token_hint', async () => {
  const before = tokens.claims()
  tokens = await signIn({ prompt: 'login', id_token_hint: tokens.id_token })
  assert.equal(tokens.claims().sub, before.sub)
})

await step('the keys turn under a client that keeps them', async () => {
  // openid-client has fetched the keys within the minute, and does not ask again so soon.
  const before = jose.decodeProtectedHeader(tokens.id_token).kid
  const kept = client.getJwksCache(config).jwks.keys
  await rotate()
  tokens = await signIn({})
  const after = jose.decodeProtectedHeader(tokens.id_token).kid
  assert.notEqual(after, before)
  assert.ok(kept.some(({ kid }) => kid === after))
  assert.deepEqual(client.getJwksCache(config).jwks.keys, kept)
})

await step('revocation', async () => {
  await client.tokenRevocation(config, tokens.access_token)
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub),
    (error) => error instanceof client.WWWAuthenticateChallengeError && error.status === 401)
  tokens = { ...(await client.refreshTokenGrant(config, tokens.refresh_token)), refresh_token: tokens.refresh_token }
})

await step('logout', async () => {
  const heardOf = new Promise((resolve) => { told = resolve })
  const back = await open(client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: given.goodbye,
    state: 'see you',
  }))
  assert.equal(back.origin + back.pathname, given.goodbye)
  assert.equal(back.searchParams.get('state'), 'see you')
  if (keyed) await heardOf
})

if (keyed) {
  await step('the logout token', async () => {
    // OpenID Connect Back-Channel Logout §2.6.
    const keys = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
    const { payload } = await jose.jwtVerify(heard[0], keys, {
      issuer: given.issuer,
      audience: config.clientMetadata().client_id,
      typ: 'logout+jwt',
      algorithms: [given.alg],
      requiredClaims: ['iat', 'exp', 'jti', 'sub', 'sid', 'events'],
      maxTokenAge: '2 minutes',
    })
    const first = jose.decodeJwt(tokens.id_token)
    assert.equal(payload.sid, first.sid)
    assert.equal(payload.sub, first.sub) // the pairwise one
    assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} })
    assert.equal(payload.nonce, undefined)
  })
}

await step('nobody is signed in any more', async () => {
  await assert.rejects(signIn({ prompt: 'none' }),
    (error) => error instanceof client.AuthorizationResponseError && error.error === 'login_required')
})

site.close()
end()
