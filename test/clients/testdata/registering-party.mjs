// A relying party on oauth4webapi that registers itself before it signs its user in.
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { end, given, open, step } from './story.mjs'

const plain = { [oauth.allowInsecureRequests]: true } // http, on loopback

const issuer = new URL(given.issuer)
let as
let client
const asked = {
  redirect_uris: [given.callback],
  client_name: 'JavaScript app',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: given.method,
  contacts: ['ops@example.com'],
}

const register = async (metadata, initialAccessToken) =>
  oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(as, metadata, { initialAccessToken, ...plain }),
  )

await step('discovery', async () => {
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, plain))
})

await step('registration', async () => {
  client = await register(asked, given.initial_access_token)
  for (const [name, value] of Object.entries(asked)) {
    assert.deepEqual(client[name], value, name)
  }
  assert.equal(client.id_token_signed_response_alg, 'RS256') // OpenID Connect Core §15.1
})

await step('registration without a token', async () => {
  await assert.rejects(register(asked), (error) => error instanceof oauth.WWWAuthenticateChallengeError && error.status === 401)
})

await step('registration of what is not done here', async () => {
  await assert.rejects(
    register({ ...asked, id_token_encrypted_response_alg: 'RSA-OAEP' }, given.initial_access_token),
    (error) => error instanceof oauth.ResponseBodyError && error.error === 'invalid_client_metadata',
  )
})

await step('registration again', async () => {
  const again = await register(asked, given.initial_access_token)
  assert.equal(again.client_id === client.client_id, given.method === 'none')
})

const authentication = {
  client_secret_basic: oauth.ClientSecretBasic,
  client_secret_post: oauth.ClientSecretPost,
  none: oauth.None,
}[given.method](client.client_secret)

let tokens
await step('code', async () => {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const request = new URL(as.authorization_endpoint)
  request.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: given.callback,
    response_type: 'code',
    scope: 'openid email',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  const callback = oauth.validateAuthResponse(as, client, await open(request), state)
  const response = await oauth.authorizationCodeGrantRequest(as, client, authentication, callback, given.callback, verifier, plain)
  tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true })
  await oauth.validateApplicationLevelSignature(as, response, plain)
})

await step('refresh', async () => {
  const response = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token, plain)
  tokens = await oauth.processRefreshTokenResponse(as, client, response)
})

await step('userinfo', async () => {
  const response = await oauth.userInfoRequest(as, client, tokens.access_token, plain)
  const claims = await oauth.processUserInfoResponse(as, client, given.sub, response)
  assert.equal(claims.email, given.email)
})

// RFC 7592, which the library leaves to its caller.
const managed = (method, body) =>
  fetch(client.registration_client_uri, {
    method,
    headers: { authorization: `Bearer ${client.registration_access_token}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  })

await step('management', async () => {
  if (given.method === 'none') {
    assert.equal(client.registration_client_uri, undefined)
    assert.equal(client.registration_access_token, undefined)
    return
  }
  const read = await (await managed('GET')).json()
  assert.equal(read.client_name, asked.client_name)
  const { client_id, client_secret } = client
  const updated = await managed('PUT', { ...asked, client_id, client_secret, client_name: 'Another name' })
  assert.equal((await updated.json()).client_name, 'Another name')
  assert.equal((await managed('DELETE')).status, 204)
  assert.equal((await managed('GET')).status, 401)
  const response = await oauth.userInfoRequest(as, client, tokens.access_token, plain)
  await assert.rejects(oauth.processUserInfoResponse(as, client, given.sub, response)) // all that it had has ended
})

end()
