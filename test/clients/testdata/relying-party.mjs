// A relying party on oauth4webapi, as its examples say to write one, and an API on
// jose.
import assert from 'node:assert/strict'
import * as jose from 'jose'
import * as oauth from 'oauth4webapi'
import { end, given, open, step } from './story.mjs'

const plain = { [oauth.allowInsecureRequests]: true } // http, on loopback
const client = { client_id: given.client_id, id_token_signed_response_alg: given.alg }
// A key of the client's own: it signs assertions, and the authorization request.
const own = given.private_jwk && {
  kid: given.private_jwk.kid,
  key: await crypto.subtle.importKey('jwk', given.private_jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']),
}
const authentication = {
  client_secret_basic: oauth.ClientSecretBasic,
  client_secret_post: oauth.ClientSecretPost,
  private_key_jwt: () => oauth.PrivateKeyJwt(own),
  none: oauth.None,
}[given.method](given.client_secret)
const confidential = given.method !== 'none'

// The error of an OAuth answer, by its code.
const refusedWith = (code) => (error) => error instanceof oauth.ResponseBodyError && error.error === code

let as
await step('discovery', async () => {
  const issuer = new URL(given.issuer)
  for (const algorithm of ['oidc', 'oauth2']) {
    as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...plain }))
  }
  assert.ok(as.code_challenge_methods_supported.includes('S256'))
})

// signIn sends the user off and takes the code from the address they come back to.
async function signIn(parameters) {
  const verifier = oauth.generateRandomCodeVerifier()
  const request = new URL(as.authorization_endpoint)
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  request.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: given.callback,
    response_type: 'code',
    scope: 'openid profile email orders:read',
    resource: given.api,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...parameters,
  })
  if (own) {
    // RFC 9101 §5: the client_id stands outside too, and nothing else need.
    const object = await oauth.issueRequestObject(as, client, request.searchParams, own)
    request.search = new URLSearchParams({ client_id: client.client_id, request: object })
  }
  const back = await open(request)
  // RFC 9207: throws unless iss is there and right, as the metadata promise.
  const callback = oauth.validateAuthResponse(as, client, back, state)
  assert.ok(callback.get('iss'))
  return { callback, verifier, nonce }
}

const exchange = ({ callback, verifier }) =>
  oauth.authorizationCodeGrantRequest(as, client, authentication, callback, given.callback, verifier, plain)

async function tokensOf(signedIn) {
  const response = await exchange(signedIn)
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: signedIn.nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(as, response, plain)
  return tokens
}

let tokens, signedIn
await step('code with PKCE, state, iss and nonce', async () => {
  signedIn = await signIn({})
  tokens = await tokensOf(signedIn)
  const claims = oauth.getValidatedIdTokenClaims(tokens)
  assert.equal(claims.sub, given.sub)
  assert.equal(jose.decodeProtectedHeader(tokens.id_token).alg, given.alg)
})

const userinfo = (token) => oauth.userInfoRequest(as, client, token, plain)

await step('userinfo', async () => {
  const claims = await oauth.processUserInfoResponse(as, client, given.sub, await userinfo(tokens.access_token))
  assert.equal(claims.email, given.email)
})

await step('an API takes the access token by RFC 9068', async () => {
  const request = new Request(given.api, { headers: { authorization: `Bearer ${tokens.access_token}` } })
  const claims = await oauth.validateJwtAccessToken(as, request, given.api, plain)
  assert.equal(claims.client_id, client.client_id)
  assert.equal(claims.sub, given.sub)
  assert.deepEqual(claims.scope.split(' ').sort(), ['email', 'openid', 'orders:read', 'profile'])
})

await step('an API takes the access token with jose', async () => {
  const keys = jose.createRemoteJWKSet(new URL(as.jwks_uri))
  const { payload } = await jose.jwtVerify(tokens.access_token, keys, {
    issuer: given.issuer,
    audience: given.api,
    typ: 'at+jwt',
    requiredClaims: ['sub', 'jti', 'iat', 'exp', 'sid'],
  })
  assert.equal(payload.sub, given.sub)
})

const refresh = async (token) => {
  const response = await oauth.refreshTokenGrantRequest(as, client, authentication, token, plain)
  const renewed = await oauth.processRefreshTokenResponse(as, client, response)
  if (renewed.id_token) await oauth.validateApplicationLevelSignature(as, response, plain)
  return renewed
}

await step('refresh', async () => {
  const renewed = await refresh(tokens.refresh_token)
  assert.notEqual(renewed.access_token, tokens.access_token)
  assert.equal(oauth.getValidatedIdTokenClaims(renewed).sub, given.sub)
  if (!confidential) assert.notEqual(renewed.refresh_token, tokens.refresh_token)
  tokens = { ...tokens, ...renewed }
})

const introspect = async (token) =>
  oauth.processIntrospectionResponse(as, client,
    await oauth.introspectionRequest(as, client, authentication, token, plain))

if (confidential) {
  await step('introspection', async () => {
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      const told = await introspect(token)
      assert.equal(told.active, true)
      assert.equal(told.client_id, client.client_id)
      assert.equal(told.sub, given.sub)
    }
    assert.deepEqual(await introspect('nonsense'), { active: false })
  })
}

await step('logout with id_token_hint', async () => {
  const address = new URL(as.end_session_endpoint)
  address.search = new URLSearchParams({
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: given.goodbye,
    state: 'see you',
  })
  const back = await open(address)
  assert.equal(back.origin + back.pathname, given.goodbye)
  assert.equal(back.searchParams.get('state'), 'see you')
  assert.equal(back.searchParams.size, 1)
  await ended()
})

// ended holds the tokens of a sign-in to being worth nothing.
async function ended() {
  await assert.rejects(refresh(tokens.refresh_token), refusedWith('invalid_grant'))
  await assert.rejects(
    userinfo(tokens.access_token).then((r) => oauth.processUserInfoResponse(as, client, given.sub, r)),
    (error) =>
      error instanceof oauth.WWWAuthenticateChallengeError &&
      error.cause[0].scheme === 'bearer' &&
      error.cause[0].parameters.error === 'invalid_token',
  )
  if (confidential) assert.deepEqual(await introspect(tokens.access_token), { active: false })
}

await step('prompt=none says that nobody is signed in', async () => {
  await assert.rejects(
    signIn({ prompt: 'none' }),
    (error) => error instanceof oauth.AuthorizationResponseError && error.error === 'login_required',
  )
})

const revoke = async (token) =>
  oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, token, plain))

await step('revocation of an access token', async () => {
  tokens = await tokensOf(await signIn({}))
  await revoke(tokens.access_token)
  assert.equal((await userinfo(tokens.access_token)).status, 401)
  tokens = { ...tokens, ...(await refresh(tokens.refresh_token)) }
  assert.equal((await userinfo(tokens.access_token)).status, 200)
})

await step('revocation of a refresh token', async () => {
  await revoke(tokens.refresh_token)
  await ended()
  await revoke(tokens.refresh_token) // RFC 7009 §2.2: no error the second time
  await revoke('nonsense')
})

await step('a code that was used', async () => {
  signedIn = await signIn({})
  tokens = await tokensOf(signedIn)
  const again = await exchange(signedIn)
  await assert.rejects(oauth.processAuthorizationCodeResponse(as, client, again), refusedWith('invalid_grant'))
  await ended()
})

await step('a wrong verifier', async () => {
  const { callback } = await signIn({})
  const response = await exchange({ callback, verifier: oauth.generateRandomCodeVerifier() })
  await assert.rejects(oauth.processAuthorizationCodeResponse(as, client, response), refusedWith('invalid_grant'))
})

if (confidential) {
  const ask = (secret) =>
    oauth.clientCredentialsGrantRequest(as, client, secret, { scope: 'orders:read', resource: given.api }, plain)
      .then((response) => oauth.processClientCredentialsResponse(as, client, response))

  await step('client_credentials', async () => {
    const own = await ask(authentication)
    assert.equal(own.refresh_token, undefined)
    const request = new Request(given.api, { headers: { authorization: `Bearer ${own.access_token}` } })
    const claims = await oauth.validateJwtAccessToken(as, request, given.api, plain)
    assert.equal(claims.sub, client.client_id)
    assert.equal((await introspect(own.access_token)).active, true)
    await revoke(own.access_token)
    assert.deepEqual(await introspect(own.access_token), { active: false })
  })

  await step('a wrong secret', async () => {
    // RFC 6749 §5.2: 401 with the scheme that the client used.
    const wrong = oauth.ClientSecretBasic('mcs_wrong')
    await assert.rejects(ask(wrong), (error) =>
      error instanceof oauth.WWWAuthenticateChallengeError && error.status === 401 && error.cause[0].scheme === 'basic')
  })
}

end()
