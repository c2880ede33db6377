package oauth

// registrationReasons are those of clients that register themselves.
var registrationReasons = []Info{
	{
		Reason: ReasonRegistrationTokenWrong, Code: InvalidToken, Description: wireToken, Claim: "Authorization",
		Rule: "Registering takes an initial access token that is there and not used up; a client's registration takes its own registration access token. RFC 7591 §3, RFC 7592 §2.",
	},
	{
		Reason: ReasonAdminTokenWrong, Code: InvalidToken, Description: wireToken, Claim: "Authorization",
		Rule: "Administration from elsewhere takes an admin token, made with mintmark admin-token create and not deleted since. RFC 6750 §3.1.",
	},
	{
		Reason: ReasonAdminTokenExpired, Code: InvalidToken, Description: wireToken, Claim: "admin_tokens.ends_at",
		Rule: "An admin token is of use until it expires. RFC 6750 §3.1.",
	},
	{
		Reason: ReasonRegistrationMalformed, Code: InvalidClientMetadata, Description: wireMetadataMalformed,
		Rule: "A registration is one JSON object, as application/json. RFC 7591 §3.1.",
	},
	{
		Reason: ReasonRegistrationField, Code: InvalidClientMetadata, Description: wireMetadata, Named: true,
		Rule: "Each field of the client metadata keeps to its rule. docs/reference/client-metadata.md; RFC 7591 §3.2.2.",
	},
	{
		Reason: ReasonRegistrationUnserved, Code: InvalidClientMetadata, Description: wireMetadataUnserved, Named: true,
		Rule: "What is not done here is refused, never registered in silence. docs/reference/client-metadata.md; RFC 7591 §3.2.2.",
	},
	{
		Reason: ReasonRegistrationRedirectURI, Code: InvalidRedirectURI, Description: wireMetadataRedirect, Named: true, Claim: "redirect_uris",
		Rule: "A redirect URI is https, http on loopback, or a private-use scheme with a dot. RFC 7591 §3.2.2; RFC 9700 §4.1.3.",
	},
	{
		Reason: ReasonRegistrationStatement, Code: UnapprovedSoftwareStatement, Description: wireStatement, Claim: "software_statement",
		Rule: "No issuer of software statements is approved. RFC 7591 §3.2.2.",
	},
	{
		Reason: ReasonRegistrationDisabled, Code: InvalidClientMetadata, Description: wireClientDisabled, Claim: "clients.enabled",
		Rule: "An administrator has disabled the client that registers again.",
	},
}
