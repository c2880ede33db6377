package oauth

import "time"

// clientReasons are those of the client and of how it authenticates.
var clientReasons = []Info{
	// The client.
	{
		Reason: ReasonGrantTypeUnknown, Code: UnsupportedGrantType, Description: wireGrantType, Claim: "grant_type",
		Rule: "The server does not know the grant type; the password grant exists in no spelling. RFC 6749 §5.2; RFC 9700 §2.4.",
	},
	{
		Reason: ReasonClientUnknown, Code: InvalidClient, Description: wireClient, Claim: "client_id",
		Rule: "No client has this client_id. RFC 6749 §5.2.",
	},
	{
		Reason: ReasonClientSecretWrong, Code: InvalidClient, Description: wireClient, Claim: "client_secret",
		Rule: "The secret is none of the client's live secrets. RFC 6749 §2.3.1, §5.2.",
	},
	{
		Reason: ReasonClientAuthMissing, Code: InvalidClient, Description: wireClient, Claim: "client_id",
		Rule: "The request names no client, or a confidential client did not authenticate. RFC 6749 §3.2.1, §5.2.",
	},
	{
		Reason: ReasonClientAuthMalformed, Code: InvalidClient, Description: wireClient, Claim: "Authorization",
		Rule: "The Authorization header is not Basic with a form-encoded client_id and secret. RFC 6749 §2.3.1; RFC 7617 §2.",
	},
	{
		Reason: ReasonClientAuthMethodWrong, Code: InvalidClient, Description: wireClient, Claim: "token_endpoint_auth_method",
		Rule: "The client used another authentication method than the one it registered. OpenID Connect Core §9.",
	},
	{
		Reason: ReasonClientAuthTwice, Code: InvalidRequest, Description: wireAuthTwice, Claim: "client_secret",
		Rule: "A client uses one authentication method per request. RFC 6749 §2.3, §5.2.",
	},
	{
		Reason: ReasonClientIDMismatch, Code: InvalidRequest, Description: wireClientIDMismatch, Claim: "client_id",
		Rule: "A client_id in the body that repeats the Authorization header's must equal it.",
	},
	{
		Reason: ReasonClientDisabled, Code: InvalidClient, Description: wireClient, Claim: "clients.enabled",
		Rule: "The client was disabled.",
	},
	{
		Reason: ReasonGrantNotAllowed, Code: UnauthorizedClient, Description: wireUnauthorized, Claim: "grant_types",
		Rule: "The grant type is not registered for the client. RFC 6749 §5.2.",
	},

	// The client's keys and its assertion (private_key_jwt).
	{
		Reason: ReasonAssertionMalformed, Code: InvalidClient, Description: wireClient, Claim: "client_assertion",
		Rule: "A client assertion is a compact JWS with the claims iss, sub, aud, exp and jti, each of its own type. RFC 7523 §3; OpenID Connect Core §9.",
	},
	{
		Reason: ReasonAssertionType, Code: InvalidClient, Description: wireClient, Claim: "typ",
		Rule: "The typ of a client assertion is absent, JWT or client-authentication+jwt: nothing that was signed for another purpose. RFC 8725 §3.11.",
	},
	{
		Reason: ReasonAssertionAlgorithm, Code: InvalidClient, Description: wireClient, Claim: "token_endpoint_auth_signing_alg",
		Rule: "A client assertion is signed with the algorithm that the client registered, else with ES256, RS256, PS256 or Ed25519, and always with the one of the key. RFC 8725 §3.1.",
	},
	{
		Reason: ReasonAssertionKey, Code: InvalidClient, Description: wireClient, Claim: "kid",
		Rule: "The key that a client assertion names is not among the client's; without a kid there must be one key only. OpenID Connect Core §10.1.",
	},
	{
		Reason: ReasonAssertionSignature, Code: InvalidClient, Description: wireClient, Claim: "client_assertion",
		Rule: "The signature of a client assertion is valid. RFC 7523 §3, item 9.",
	},
	{
		Reason: ReasonAssertionSubject, Code: InvalidClient, Description: wireClient, Claim: "sub",
		Rule: "iss and sub of a client assertion are both the client_id. RFC 7523 §3, items 1 and 2; OpenID Connect Core §9.",
	},
	{
		Reason: ReasonAssertionAudience, Code: InvalidClient, Description: wireClient, Claim: "aud",
		Rule: "The audience of a client assertion is this server's issuer; under the security profile oidc it may be the token endpoint or the endpoint itself. It names nobody else. RFC 7523 §3, item 3.",
	},
	{
		Reason: ReasonAssertionExpired, Code: InvalidClient, Description: wireClient, Claim: "exp", Unit: UnixMillis,
		Rule: "A client assertion has not expired, with thirty seconds for clocks that differ. RFC 7523 §3, item 4.",
	},
	{
		Reason: ReasonAssertionLongLived, Code: InvalidClient, Description: wireClient, Claim: "exp", Unit: UnixMillis,
		Rule: "A client assertion expires at most an hour from now: what cannot be used again is remembered that long. RFC 7523 §3, item 4.",
	},
	{
		Reason: ReasonAssertionFromFuture, Code: InvalidClient, Description: wireClient, Claim: "iat", Unit: UnixMillis,
		Rule: "iat and nbf of a client assertion are at most 60 seconds ahead. RFC 7523 §3, items 5 and 6.",
	},
	{
		Reason: ReasonAssertionReplayed, Code: InvalidClient, Description: wireClient, Claim: "jti", Unit: UnixMillis,
		Rule: "A client assertion counts once. RFC 7523 §3, item 7; OpenID Connect Core §9.",
	},
	{
		Reason: ReasonClientKeysUnusable, Code: InvalidClient, Description: wireClient, Claim: "jwks_uri",
		Rule: "What the client registered as its keys, or what its jwks_uri answers, is no set of public keys that can be used here: an address that is not called, a redirect, another status than 200, too long an answer, a private key in it, or no key for signatures. RFC 7517 §5; OpenID Connect Core §10.1.",
	},
	{
		Reason: ReasonClientKeysAway, Code: TemporarilyUnavailable, Description: wireUnavailable, Claim: "jwks_uri", RetryAfter: 5 * time.Second,
		Rule: "The client's jwks_uri does not answer, and what it answered last is older than a day. OpenID Connect Core §10.1.",
	},
}
