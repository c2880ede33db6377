package oauth

// certificateReasons are those of the certificate that a connection shows.
var certificateReasons = []Info{
	{
		Reason: ReasonCertificateMalformed, Code: InvalidRequest, Description: wireCertificate, Claim: "Client-Cert",
		Rule: "The header field in which a proxy hands a certificate on occurs once, and is a byte sequence with one certificate. RFC 9440 §2.2.",
	},
	{
		Reason: ReasonCertificateMissing, Code: InvalidClient, Description: wireClient, Claim: "token_endpoint_auth_method",
		Rule: "The client authenticates with the certificate of its connection, and this connection showed none: clients that have one call the addresses of mtls_endpoint_aliases. RFC 8705 §2, §5.",
	},
	{
		Reason: ReasonCertificateExpired, Code: InvalidClient, Description: wireClient, Claim: "notAfter", Unit: UnixMillis,
		Rule: "A certificate counts from its notBefore to its notAfter, also one that the client signed itself. RFC 5280 §4.1.2.5.",
	},
	{
		Reason: ReasonCertificateUnknown, Code: InvalidClient, Description: wireClient, Claim: "jwks",
		Rule: "The certificate is not among the client's keys: it is the x5c of one of them, or where that has none has its public key. RFC 8705 §2.2.",
	},
	{
		Reason: ReasonCertificateUntrusted, Code: InvalidClient, Description: wireClient, Claim: "mtls_ca",
		Rule: "No certificate authority of the setting mtls_ca vouches for the certificate as a client's, at this time. RFC 8705 §2.1.",
	},
	{
		Reason: ReasonCertificateSubject, Code: InvalidClient, Description: wireClient, Claim: "tls_client_auth_subject_dn",
		Rule: "The certificate does not have the one name that the client registered: its subject, or a DNS name, URI, IP address or e-mail address among its alternative names. RFC 8705 §2.1.2.",
	},
	{
		Reason: ReasonCertificateRequired, Code: InvalidRequest, Description: wireCertificateRequired, Claim: "tls_client_certificate_bound_access_tokens",
		Rule: "The client registered that its access tokens are bound to its certificate, so it gets none on a connection without one. RFC 8705 §3.4.",
	},
	{
		Reason: ReasonRefreshCertificate, Code: InvalidGrant, Description: wireGrant, Claim: "grants.x5t",
		Rule: "The refresh token of a public client is bound to the certificate that it was given with. RFC 8705 §4.",
	},
	{
		Reason: ReasonTokenCertificate, Code: InvalidToken, Description: wireToken, Claim: "cnf",
		Rule: "An access token that is bound to a certificate is worth something on a connection that shows this certificate, and nowhere else. RFC 8705 §3.",
	},
}
