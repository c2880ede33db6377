package oauth

// requestObjectReasons are those of an authorization request that is a JWT.
var requestObjectReasons = []Info{
	{
		Reason: ReasonRequestTwice, Code: InvalidRequest, Description: wireRequestTwice, Claim: "request_uri",
		Rule: "request and request_uri are not used together. RFC 9101 §5; OpenID Connect Core §6.",
	},
	{
		Reason: ReasonRequestObjectMissing, Code: InvalidRequest, Description: wireRequestNeeded, Claim: "require_signed_request_object",
		Rule: "The client registered that all of its requests are signed request objects. RFC 9101 §10.5.",
	},
	{
		Reason: ReasonRequestObjectMalformed, Code: InvalidRequestObject, Description: wireRequestObject, Claim: "request",
		Rule: "A request object is a compact JWS of a JSON object; an encrypted one is not read. RFC 9101 §4.",
	},
	{
		Reason: ReasonRequestObjectType, Code: InvalidRequestObject, Description: wireRequestObject, Claim: "typ",
		Rule: "The typ of a request object is absent, JWT or oauth-authz-req+jwt: nothing that was signed for another purpose. RFC 9101 §10.8; RFC 8725 §3.11.",
	},
	{
		Reason: ReasonRequestObjectAlgorithm, Code: InvalidRequestObject, Description: wireRequestObject, Claim: "request_object_signing_alg",
		Rule: "A request object is signed with the algorithm that the client registered, else with ES256, RS256, PS256 or Ed25519, and always with the one of the key. It is unsigned if the client registered none, and only then. OpenID Connect Core §6.1; RFC 9101 §10.1.",
	},
	{
		Reason: ReasonRequestObjectKey, Code: InvalidRequestObject, Description: wireRequestObject, Claim: "kid",
		Rule: "The key that a request object names is not among the client's, or the client's keys cannot be used. RFC 9101 §6.2.",
	},
	{
		Reason: ReasonRequestObjectSignature, Code: InvalidRequestObject, Description: wireRequestObject, Claim: "request",
		Rule: "The signature of a request object is valid. RFC 9101 §6.2.",
	},
	{
		Reason: ReasonRequestObjectIssuer, Code: InvalidRequestObject, Description: wireRequestObject, Claim: "iss",
		Rule: "The iss of a request object is the client_id. RFC 9101 §4.",
	},
	{
		Reason: ReasonRequestObjectAudience, Code: InvalidRequestObject, Description: wireRequestObject, Claim: "aud",
		Rule: "The aud of a request object holds this server's issuer. RFC 9101 §4.",
	},
	{
		Reason: ReasonRequestObjectExpired, Code: InvalidRequestObject, Description: wireRequestObject, Claim: "exp",
		Rule: "A request object that says when it expires has not, with thirty seconds for clocks that differ. RFC 7519 §4.1.4.",
	},
	{
		Reason: ReasonRequestObjectFuture, Code: InvalidRequestObject, Description: wireRequestObject, Claim: "nbf",
		Rule: "nbf and iat of a request object are at most 60 seconds ahead. RFC 7519 §4.1.5.",
	},
	{
		Reason: ReasonRequestObjectClaims, Code: InvalidRequestObject, Description: wireRequestObject, Claim: "request",
		Rule: "A request object holds parameters as strings, numbers or objects as each of them is, neither request nor request_uri, and not the client as its subject. RFC 9101 §4, §10.8.",
	},
	{
		Reason: ReasonRequestObjectContradicts, Code: InvalidRequestObject, Description: wireRequestObject, Claim: "client_id",
		Rule: "client_id and response_type are the same inside a request object and outside; the client_id is inside where all requests of the client are signed. OpenID Connect Core §6.1; RFC 9101 §6.3.",
	},
	{
		Reason: ReasonRequestURIUnregistered, Code: InvalidRequestURI, Description: wireRequestURI, Claim: "request_uris",
		Rule: "A request_uri is one of those that the client registered, but for its fragment. OpenID Connect Core §6.2.",
	},
	{
		Reason: ReasonRequestURIUnusable, Code: InvalidRequestURI, Description: wireRequestURI, Claim: "request_uri",
		Rule: "The request_uri is no address that is called, or it did not answer a request object: a redirect, another status than 200, more than 16 KiB, or nothing within five seconds. OpenID Connect Core §6.2; RFC 9101 §5.2.",
	},
}
