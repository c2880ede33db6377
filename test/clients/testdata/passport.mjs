// An application on express with passport-openidconnect, as its documentation says to
// write one. Its own address is one behind a proxy: the user's browser ends up there,
// and what it brought is handed to the application.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import OpenIDConnectStrategy from 'passport-openidconnect'
import { end, given, open, step } from './story.mjs'

const endpoints = await (await fetch(`${given.issuer}/.well-known/openid-configuration`)).json()
const strategy = (more) => new OpenIDConnectStrategy({
  issuer: endpoints.issuer,
  authorizationURL: endpoints.authorization_endpoint,
  tokenURL: endpoints.token_endpoint,
  userInfoURL: endpoints.userinfo_endpoint,
  clientID: given.client_id,
  clientSecret: given.client_secret,
  callbackURL: given.callback,
  scope: ['profile', 'email'],
  skipUserProfile: false,
  nonce: true,
  claims: { id_token: { auth_time: { essential: true } } },
  ...more,
}, (issuer, profile, context, idToken, accessToken, refreshToken, done) =>
  done(null, { issuer, ...profile, timestamp: context.timestamp, idToken, refreshToken }))

passport.use('openidconnect', strategy({}))
passport.use('silent', strategy({ prompt: 'none' }))
passport.use('fresh', strategy({ prompt: 'login', maxAge: 300, display: 'page', uiLocales: 'de', loginHint: given.email }))
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(session({ secret: 'of a test', resave: false, saveUninitialized: false }))
app.use(passport.session())
app.get('/login/:how', (request, response, next) => passport.authenticate(request.params.how)(request, response, next))
app.get('/callback', passport.authenticate('openidconnect', { successRedirect: '/', failureRedirect: '/failed' }))
app.get('/', (request, response) => response.json(request.user ?? null))
app.post('/logout', (request, response, next) => {
  const address = new URL(endpoints.end_session_endpoint)
  address.search = new URLSearchParams({ id_token_hint: request.user.idToken, post_logout_redirect_uri: given.goodbye })
  request.logout((error) => (error ? next(error) : response.redirect(address.href)))
})
app.use((error, request, response, next) => response.status(500).json({ name: error.name, code: error.code }))
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')

// visit is a browser's visit of the application, with its cookie.
let cookie
async function visit(path, method = 'GET') {
  const answer = await fetch(`http://127.0.0.1:${server.address().port}${path}`, {
    method, redirect: 'manual', headers: cookie && { cookie },
  })
  const [set] = answer.headers.getSetCookie()
  if (set) cookie = set.split(';')[0]
  return answer
}

const user = async () => (await visit('/')).json()

// signIn lets the application send its user away, and takes them back.
async function signIn(how) {
  const away = await visit(`/login/${how}`)
  const back = await open(away.headers.get('location'))
  assert.equal(back.origin + back.pathname, given.callback)
  return visit(back.pathname + back.search)
}

await step('prompt=none says that nobody is signed in', async () => {
  const answer = await signIn('silent')
  assert.deepEqual(await answer.json(), { name: 'AuthorizationError', code: 'login_required' })
  assert.equal(await user(), null)
})

await step('sign-in', async () => {
  const answer = await signIn('openidconnect')
  assert.equal(answer.headers.get('location'), '/')
  const { issuer, id, displayName, name, emails, refreshToken } = await user()
  assert.deepEqual({ issuer, id, displayName, name, emails }, {
    issuer: given.issuer,
    id: given.sub,
    displayName: 'Ana Sousa',
    name: { familyName: 'Sousa', givenName: 'Ana' },
    emails: [{ value: given.email }],
  })
  assert.ok(refreshToken)
})

await step('a sign-in that must be fresh', async () => {
  const before = await user()
  const answer = await signIn('fresh')
  assert.equal(answer.headers.get('location'), '/')
  const after = await user()
  assert.equal(after.id, before.id)
  assert.notEqual(after.idToken, before.idToken)
})

await step('a silent one', async () => {
  const answer = await signIn('silent')
  assert.equal(answer.headers.get('location'), '/')
})

await step('a code that was used', async () => {
  const away = await visit('/login/openidconnect')
  const back = await open(away.headers.get('location'))
  const fields = new URLSearchParams({
    grant_type: 'authorization_code', code: back.searchParams.get('code'), redirect_uri: given.callback,
    client_id: given.client_id, client_secret: given.client_secret,
  })
  assert.equal((await fetch(endpoints.token_endpoint, { method: 'POST', body: fields })).status, 200)
  const answer = await visit(back.pathname + back.search)
  assert.deepEqual(await answer.json(), { name: 'TokenError', code: 'invalid_grant' })
})

await step('logout', async () => {
  const away = await visit('/logout', 'POST')
  const back = await open(away.headers.get('location'))
  assert.equal(back.href, given.goodbye)
  assert.equal(await user(), null)
  assert.equal((await (await signIn('silent')).json()).code, 'login_required')
})

server.close()
end()
