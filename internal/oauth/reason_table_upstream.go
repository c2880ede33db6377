package oauth

import "time"

// upstreamReasons are those of a sign-in at an upstream. None of them goes to a
// client: the user is told on the sign-in page.
var upstreamReasons = []Info{
	{
		Reason: ReasonUpstreamUnknown, Code: InvalidRequest, Description: wireInteraction, Claim: "upstream",
		Rule: "There is no such upstream here, or it was changed since the browser was sent there.",
	},
	{
		Reason: ReasonUpstreamState, Code: InvalidRequest, Description: wireInteraction, Claim: "state",
		Rule: "The state that comes back is one that was made for this browser, for this upstream, less than a quarter of an hour ago, and comes back once. RFC 6749 §10.12; RFC 9700 §4.7.",
	},
	{
		Reason: ReasonUpstreamMixedUp, Code: AccessDenied, Description: wireUpstream, Claim: "iss",
		Rule: "The answer comes to the address of the upstream that was asked, and its iss, which an upstream that announces it must send, is that of the upstream. RFC 9700 §4.4.2; RFC 9207 §2.4.",
	},
	{
		Reason: ReasonUpstreamDenied, Code: AccessDenied, Description: wireUpstream, Claim: "error",
		Rule: "The upstream answers that the user, or the upstream itself, said no. RFC 6749 §4.1.2.1.",
	},
	{
		Reason: ReasonUpstreamError, Code: AccessDenied, Description: wireUpstream, Claim: "error",
		Rule: "The upstream answers with another error, or with neither a code nor an error. RFC 6749 §4.1.2.1.",
	},
	{
		Reason: ReasonUpstreamAway, Code: TemporarilyUnavailable, Description: wireUnavailable, Claim: "issuer", RetryAfter: 5 * time.Second,
		Rule: "The upstream answers its discovery, token or key address, in time.",
	},
	{
		Reason: ReasonUpstreamUnusable, Code: AccessDenied, Description: wireUpstream, Claim: "issuer",
		Rule: "The upstream's metadata is one JSON object whose issuer is exactly the configured one, with addresses that may be called, and its keys are a set of public keys. OpenID Connect Discovery §4.3; RFC 8725 §3.10.",
	},
	{
		Reason: ReasonUpstreamCode, Code: AccessDenied, Description: wireUpstream, Claim: "code",
		Rule: "The upstream exchanges the code for an ID token and an access token. OpenID Connect Core §3.1.3.3.",
	},
	{
		Reason: ReasonForeignTokenMalformed, Code: AccessDenied, Description: wireUpstream, Claim: "id_token",
		Rule: "The upstream's ID token is a compact JWS, not encrypted, of the type JWT or of none, with its claims of their own types. OpenID Connect Core §2; RFC 8725 §3.11.",
	},
	{
		Reason: ReasonForeignTokenAlgorithm, Code: AccessDenied, Description: wireUpstream, Claim: "alg",
		Rule: "The upstream's ID token is signed with an algorithm that is allowed for the upstream, never none and never with a shared secret. OpenID Connect Core §3.1.3.7, items 7 and 8.",
	},
	{
		Reason: ReasonForeignTokenKey, Code: AccessDenied, Description: wireUpstream, Claim: "kid",
		Rule: "The key that the ID token names is among the upstream's; without a kid there must be one key only. OpenID Connect Core §10.1.",
	},
	{
		Reason: ReasonForeignTokenSignature, Code: AccessDenied, Description: wireUpstream, Claim: "id_token",
		Rule: "The signature of the ID token is valid. OpenID Connect Core §3.1.3.7, item 6.",
	},
	{
		Reason: ReasonForeignTokenIssuer, Code: AccessDenied, Description: wireUpstream, Claim: "iss",
		Rule: "iss of the ID token is exactly the issuer that is configured. OpenID Connect Core §3.1.3.7, item 2.",
	},
	{
		Reason: ReasonForeignTokenAudience, Code: AccessDenied, Description: wireUpstream, Claim: "aud",
		Rule: "aud of the ID token has this server's client_id. OpenID Connect Core §3.1.3.7, item 3.",
	},
	{
		Reason: ReasonForeignTokenParty, Code: AccessDenied, Description: wireUpstream, Claim: "azp",
		Rule: "azp of the ID token is this server's client_id, and is there when the token is for several. OpenID Connect Core §3.1.3.7, items 4 and 5.",
	},
	{
		Reason: ReasonForeignTokenExpired, Code: AccessDenied, Description: wireUpstream, Claim: "exp",
		Rule: "The ID token has not expired, with thirty seconds for clocks that differ. OpenID Connect Core §3.1.3.7, item 9.",
	},
	{
		Reason: ReasonForeignTokenTime, Code: AccessDenied, Description: wireUpstream, Claim: "iat",
		Rule: "The ID token was issued since the browser was sent to the upstream, with a minute for clocks that differ. OpenID Connect Core §3.1.3.7, item 10.",
	},
	{
		Reason: ReasonForeignTokenNonce, Code: AccessDenied, Description: wireUpstream, Claim: "nonce",
		Rule: "nonce of the ID token is the one that was sent. OpenID Connect Core §3.1.3.7, item 11.",
	},
	{
		Reason: ReasonForeignTokenHash, Code: AccessDenied, Description: wireUpstream, Claim: "at_hash",
		Rule: "at_hash of the ID token, where it is there, is that of the access token. OpenID Connect Core §3.1.3.8.",
	},
	{
		Reason: ReasonForeignTokenAuthTime, Code: AccessDenied, Description: wireUpstream, Claim: "auth_time",
		Rule: "The upstream says when the user signed in there, if that was asked for, and it was no longer ago than was asked for. OpenID Connect Core §3.1.3.7, item 13.",
	},
	{
		Reason: ReasonForeignTokenSubject, Code: AccessDenied, Description: wireUpstream, Claim: "sub",
		Rule: "sub of the ID token is 1 to 255 ASCII characters, and that of userinfo is the same. OpenID Connect Core §2, §5.3.2.",
	},
	{
		Reason: ReasonForeignAccountUnknown, Code: AccessDenied, Description: wireUpstream, Claim: "sub",
		Rule: "The foreign account is linked to a user, or the upstream and the server both let strangers make accounts. ASVS 6.8.1.",
	},
	{
		Reason: ReasonForeignAddressTaken, Code: AccessDenied, Description: wireUpstream, Claim: "email",
		Rule: "An account here has the address of the foreign one. An address links nothing: its user signs in first, and then links the other. ASVS 6.8.1.",
	},
	{
		Reason: ReasonForeignAccountLinked, Code: AccessDenied, Description: wireUpstream, Claim: "sub",
		Rule: "A foreign account is one user's: who wants to link it to another takes it from the first before. ASVS 6.8.1.",
	},
	{
		Reason: ReasonSignInNotRecent, Code: LoginRequired, Description: wireLogin, Claim: "sessions.auth_time",
		Rule: "Whoever changes how they sign in has signed in within the last quarter of an hour. ASVS 7.5.1.",
	},
	{
		Reason: ReasonLastWayIn, Code: AccessDenied, Description: wireUpstream, Claim: "links",
		Rule: "The last way in which a user can sign in is not removed by themself.",
	},
}
