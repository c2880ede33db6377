// Package verify protects a Go API with Mintmark's access tokens. It checks a
// JWT locally, without a look-up per call, and still refuses it within a quarter
// of a second of its being revoked: the verifier follows the issuer's revocation
// log (docs/reference/revocation-feed.md) and compares each token with it.
//
//	v, err := verify.New(ctx, "https://id.example.com", "https://api.example.com",
//		verify.WithClient("orders-api", secret))
//	...
//	http.Handle("/", v.Middleware(handler))
//
// What is known is bounded by when the issuer was last heard of, and that bound
// is enforced. A verifier is [Live] while its last signed head is younger than
// about 10 s, [Stale] below 55 s and [Expired] from then on; [Init] before the
// first. What happens in each is the verifier's [Policy]:
//
//	         Strict                    Balanced (default)                Available
//	Live     local                     local                             local
//	Stale    introspect, else 503      introspect, else local            local
//	Expired  503; open streams cut     safe methods local, others 503    local
//
// Local means: signature, claims and the revocations known so far. A token known
// to be revoked is refused in every state. When the verifier cannot know, the
// answer is 503 with Retry-After, never 401: a 401 makes clients throw good
// tokens away.
//
// A request that was admitted runs on when its token dies; streams do not. An
// upgraded connection (WebSocket), a stream of server-sent events and every call
// that has run for 5 s are cut: the request's context is cancelled, its
// connection's deadlines pass, a hijacked connection is closed. Expiry is a
// death too: the log forgets tokens that have expired, so nothing could take
// back a stream that outlived its token.
//
// A token that is bound to a certificate (RFC 8705) is good on a connection that
// showed it alone: let the API's TLS ask for one (tls.RequestClientCert), or with
// [WithClientCertificate] say how it is known behind a proxy.
//
// Standard library only.
package verify
