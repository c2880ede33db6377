package oauth

import (
	"net/http"
	"slices"
	"time"
)

// reasonTable is the one place that says what a reason is on the wire and which rule it stands for.
var reasonTable = slices.Concat(requestReasons, clientReasons, certificateReasons, requestObjectReasons, otherReasons, registrationReasons, upstreamReasons)

// requestReasons are those of a request as HTTP and as a form.
var requestReasons = []Info{
	// The request as HTTP and as a form.
	{
		Reason: ReasonParameterRepeated, Code: InvalidRequest, Description: wireRepeated, Named: true,
		Rule: "A parameter is sent at most once; only resource and audience may repeat. RFC 6749 §3.1, §3.2; RFC 8707 §2.",
	},
	{
		Reason: ReasonParameterMissing, Code: InvalidRequest, Description: wireMissing, Named: true,
		Rule: "A required parameter is missing, or was sent without a value, which counts as omitted. RFC 6749 §3.1, §3.2.",
	},
	{
		Reason: ReasonParameterMalformed, Code: InvalidRequest, Description: wireMalformed, Named: true,
		Rule: "A parameter has a value that its syntax does not allow. RFC 6749 appendix A.",
	},
	{
		Reason: ReasonParameterTooLong, Code: InvalidRequest, Description: wireTooLong, Named: true, Unit: Bytes,
		Rule: "A request carries at most 64 parameters, with names of at most 64 bytes and values of at most 8 KiB.",
	},
	{
		Reason: ReasonBodyTooLarge, Code: InvalidRequest, Description: wireBody, Status: http.StatusRequestEntityTooLarge, Unit: Bytes,
		Rule: "A request body is at most 64 KiB.",
	},
	{
		Reason: ReasonContentType, Code: InvalidRequest, Description: wireContentType, Claim: "Content-Type", Status: http.StatusUnsupportedMediaType,
		Rule: "Parameters travel as application/x-www-form-urlencoded. RFC 6749 §3.2, appendix B.",
	},
	{
		Reason: ReasonMethod, Code: InvalidRequest, Description: wireMethod, Status: http.StatusMethodNotAllowed,
		Rule: "The endpoint does not answer this HTTP method. RFC 6749 §3.2: the token endpoint answers POST only.",
	},
	{
		Reason: ReasonHostUnknown, Code: InvalidRequest, Description: wireHost, Claim: "Host", Status: http.StatusMisdirectedRequest,
		Rule: "The Host of a request is the issuer's; links are built from configuration alone.",
	},
}

// otherReasons are all that no other table has.
var otherReasons = []Info{
	// The authorization request.
	{
		Reason: ReasonResponseTypeUnsupported, Code: UnsupportedResponseType, Description: wireResponseType, Claim: "response_type",
		Rule: "The only response type is code: no token travels in a front-channel URL. RFC 9700 §2.1.2.",
	},
	{
		Reason: ReasonResponseModeUnsupported, Code: InvalidRequest, Description: wireResponseMode, Claim: "response_mode",
		Rule: "The response mode is unknown, which is told on a page, or not allowed for the client. OpenID Connect Core §3.1.2.6.",
	},
	{
		Reason: ReasonRedirectURIMissing, Code: InvalidRequest, Description: wireRedirectMissing, Claim: "redirect_uri",
		Rule: "A client with several registered redirect URIs must say which. RFC 6749 §3.1.2.3.",
	},
	{
		Reason: ReasonRedirectURIUnregistered, Code: InvalidRequest, Description: wireRedirect, Claim: "redirect_uri",
		Rule: "The redirect URI equals a registered one, character by character; only a native client's loopback port may differ. RFC 9700 §2.1, §4.1.3; RFC 8252 §7.3.",
	},
	{
		Reason: ReasonPKCEMissing, Code: InvalidRequest, Description: wirePKCEMissing, Claim: "code_challenge",
		Rule: "The client must send a code_challenge. RFC 9700 §2.1.1; RFC 7636 §4.4.1.",
	},
	{
		Reason: ReasonPKCEMethod, Code: InvalidRequest, Description: wirePKCEMethod, Claim: "code_challenge_method",
		Rule: "The challenge method is S256, said explicitly; plain, the default when omitted, is refused. RFC 9700 §2.1.1; RFC 7636 §4.3.",
	},
	{
		Reason: ReasonPKCEChallengeMalformed, Code: InvalidRequest, Description: wirePKCEChallenge, Claim: "code_challenge",
		Rule: "An S256 challenge is 43 characters of base64url. RFC 7636 §4.2.",
	},
	{
		Reason: ReasonRegistrationUnsupported, Code: RegistrationNotSupported, Description: wireRegistration, Claim: "registration",
		Rule: "The registration parameter is not supported. OpenID Connect Core §7.2.1.",
	},
	{
		Reason: ReasonLoginRequired, Code: LoginRequired, Description: wireLogin, Claim: "prompt", Unit: UnixMillis,
		Rule: "prompt=none was asked and nobody is signed in, or not recently enough. OpenID Connect Core §3.1.2.6.",
	},
	{
		Reason: ReasonConsentRequired, Code: ConsentRequired, Description: wireConsent, Claim: "prompt",
		Rule: "prompt=none was asked and the user has not consented to all that is asked. OpenID Connect Core §3.1.2.6.",
	},
	{
		Reason: ReasonInteractionRequired, Code: InteractionRequired, Description: wireInteractionRequired, Claim: "prompt",
		Rule: "prompt=none was asked and the user must do something first. OpenID Connect Core §3.1.2.6.",
	},
	{
		Reason: ReasonAccountSelectionRequired, Code: AccountSelectionRequired, Description: wireAccount, Claim: "prompt",
		Rule: "prompt=none was asked and the user must choose an account. OpenID Connect Core §3.1.2.6.",
	},
	{
		Reason: ReasonACRUnmet, Code: UnmetAuthenticationRequirements, Description: wireACR, Claim: "acr",
		Rule: "The authentication that is required cannot be reached. OpenID Connect Core §5.5.1.1.",
	},
	{
		Reason: ReasonUserDenied, Code: AccessDenied, Description: wireDenied,
		Rule: "The user said no. RFC 6749 §4.1.2.1.",
	},

	// The authorization code.
	{
		Reason: ReasonPKCEMismatch, Code: InvalidGrant, Description: wireGrant, Claim: "code_verifier",
		Rule: "The SHA-256 of the verifier is not the challenge of the authorization request. RFC 7636 §4.6.",
	},
	{
		Reason: ReasonPKCEVerifierMissing, Code: InvalidGrant, Description: wireGrant, Claim: "code_verifier",
		Rule: "The authorization request had a challenge, so the exchange needs its verifier. RFC 9700 §2.1.1; RFC 7636 §4.5.",
	},
	{
		Reason: ReasonPKCEUnexpectedVerifier, Code: InvalidGrant, Description: wireGrant, Claim: "code_verifier",
		Rule: "A verifier without a challenge in the authorization request is a downgrade attack. RFC 9700 §4.8.2.",
	},
	{
		Reason: ReasonCodeUnknown, Code: InvalidGrant, Description: wireGrant, Claim: "code",
		Rule: "No such code was issued. RFC 6749 §5.2.",
	},
	{
		Reason: ReasonCodeExpired, Code: InvalidGrant, Description: wireGrant, Claim: "codes.ends_at", Unit: UnixMillis,
		Rule: "A code lives 60 seconds at most. RFC 6749 §4.1.2.",
	},
	{
		Reason: ReasonCodeUsed, Code: InvalidGrant, Description: wireGrant, Claim: "codes.used_at", Unit: UnixMillis,
		Rule: "A code is used once; a second use ends what the first one gave. RFC 6749 §4.1.2.",
	},
	{
		Reason: ReasonCodeOfOtherClient, Code: InvalidGrant, Description: wireGrant, Claim: "codes.client_id",
		Rule: "A code is bound to the client it was issued to. RFC 6749 §4.1.3.",
	},
	{
		Reason: ReasonCodeRedirectMismatch, Code: InvalidGrant, Description: wireGrant, Claim: "redirect_uri",
		Rule: "The redirect URI equals the one of the authorization request. RFC 6749 §4.1.3.",
	},
	{
		Reason: ReasonCodeSessionEnded, Code: InvalidGrant, Description: wireGrant, Claim: "sessions.ended_at", Unit: UnixMillis,
		Rule: "The session that the code was made from ended before the exchange.",
	},

	// The refresh token.
	{
		Reason: ReasonRefreshMalformed, Code: InvalidGrant, Description: wireGrant, Claim: "refresh_token",
		Rule: "The refresh token is not of this server's form, or was cut short: its checksum is wrong.",
	},
	{
		Reason: ReasonRefreshForged, Code: InvalidGrant, Description: wireGrant, Claim: "refresh_token",
		Rule: "The refresh token's tag was not made with this server's root.",
	},
	{
		Reason: ReasonRefreshUnknown, Code: InvalidGrant, Description: wireGrant, Claim: "grants.id",
		Rule: "The refresh token names a grant that does not exist.",
	},
	{
		Reason: ReasonRefreshOfOtherClient, Code: InvalidGrant, Description: wireGrant, Claim: "grants.client_id",
		Rule: "A refresh token is bound to the client it was issued to. RFC 6749 §6, §10.4.",
	},
	{
		Reason: ReasonRefreshExpiredIdle, Code: InvalidGrant, Description: wireGrant, Claim: "grants.idle_until", Unit: UnixMillis,
		Rule: "The refresh token was not used for longer than its idle lifetime. RFC 9700 §4.14.2.",
	},
	{
		Reason: ReasonRefreshExpiredAbsolute, Code: InvalidGrant, Description: wireGrant, Claim: "grants.abs_until", Unit: UnixMillis,
		Rule: "The grant reached its absolute lifetime; rotation does not extend it.",
	},
	{
		Reason: ReasonRefreshReplayed, Code: InvalidGrant, Description: wireGrant, Claim: "grants.gen", Unit: Generation,
		Rule: "A refresh token older than the immediate predecessor was presented: the grant ends. RFC 9700 §4.14.2.",
	},
	{
		Reason: ReasonRefreshLateTooOften, Code: InvalidGrant, Description: wireGrant, Claim: "grants.late_run", Unit: Generation,
		Rule: "The predecessor came after the retry window for a third generation in a row, as with a thief and an owner taking turns: the grant ends. RFC 9700 §4.14.2.",
	},
	{
		Reason: ReasonRefreshFromFuture, Code: InvalidGrant, Description: wireGrant, Claim: "grants.gen", Unit: Generation,
		Rule: "The refresh token is genuine and of a generation not yet reached: the database was rolled back without being declared restored.",
	},

	// What a credential hangs from.
	{
		Reason: ReasonGrantEnded, Code: InvalidGrant, Description: wireGrant, Claim: "grants.ended_at", Unit: UnixMillis,
		Rule: "The grant was ended.",
	},
	{
		Reason: ReasonSessionEnded, Code: InvalidGrant, Description: wireGrant, Claim: "sessions.ended_at", Unit: UnixMillis,
		Rule: "The session was ended: its grants without offline_access end with it.",
	},
	{
		Reason: ReasonSessionExpired, Code: InvalidGrant, Description: wireGrant, Claim: "sessions.abs_until", Unit: UnixMillis,
		Rule: "The session passed its idle or absolute lifetime.",
	},
	{
		Reason: ReasonUserDisabled, Code: InvalidGrant, Description: wireGrant, Claim: "users.status",
		Rule: "The user was disabled or deleted.",
	},
	{
		Reason: ReasonUserCut, Code: InvalidGrant, Description: wireGrant, Claim: "users.cut", Unit: LC,
		Rule: "The user's cutoff is above the credential's rvs: signed out everywhere, or the password changed.",
	},
	{
		Reason: ReasonClientCut, Code: InvalidGrant, Description: wireGrant, Claim: "clients.cut", Unit: LC,
		Rule: "The client's cutoff is above the credential's rvs.",
	},
	{
		Reason: ReasonConsentCut, Code: InvalidGrant, Description: wireGrant, Claim: "consents.cut", Unit: LC,
		Rule: "The user removed the app after the credential was made.",
	},
	{
		Reason: ReasonResourceCut, Code: InvalidGrant, Description: wireGrant, Claim: "resources.cut", Unit: LC,
		Rule: "The resource was taken out after the credential was made.",
	},
	{
		Reason: ReasonAllCut, Code: InvalidGrant, Description: wireGrant, Claim: "revlog_head.all_cut", Unit: LC,
		Rule: "Everything issued before this moment was cut off: break glass, or a restored backup.",
	},
	{
		Reason: ReasonKeyCompromised, Code: InvalidToken, Description: wireToken, Claim: "kid",
		Rule: "The key that signed the token is compromised: all its tokens are dead.",
	},
	{
		Reason: ReasonJTIRevoked, Code: InvalidToken, Description: wireToken, Claim: "jti",
		Rule: "This access token was revoked. RFC 7009 §2.1.",
	},

	// Scope and resource.
	{
		Reason: ReasonScopeMalformed, Code: InvalidScope, Description: wireScope, Claim: "scope",
		Rule: "A scope is printable ASCII words without quote and backslash, one space between them. RFC 6749 §3.3.",
	},
	{
		Reason: ReasonScopeUnknown, Code: InvalidScope, Description: wireScope, Claim: "scope",
		Rule: "No resource has this scope. RFC 6749 §3.3.",
	},
	{
		Reason: ReasonScopeNotAllowed, Code: InvalidScope, Description: wireScope, Claim: "scope",
		Rule: "The scope is not on the client's list.",
	},
	{
		Reason: ReasonScopeWidened, Code: InvalidScope, Description: wireScope, Claim: "scope",
		Rule: "A refresh asks for no more than was granted. RFC 6749 §6.",
	},
	{
		Reason: ReasonScopeAttributesUnreadable, Code: InvalidScope, Description: wireScope, Claim: "scope",
		Rule: "The client may not read every attribute behind the scope.",
	},
	{
		Reason: ReasonResourceMalformed, Code: InvalidTarget, Description: wireTarget, Claim: "resource",
		Rule: "A resource is an absolute URI without a fragment. RFC 8707 §2.",
	},
	{
		Reason: ReasonResourceUnknown, Code: InvalidTarget, Description: wireTarget, Claim: "resource",
		Rule: "No resource server has this audience. RFC 8707 §2.",
	},
	{
		Reason: ReasonResourceNotAllowed, Code: InvalidTarget, Description: wireTarget, Claim: "resource",
		Rule: "The client may not ask for tokens for this resource. RFC 8707 §2.",
	},
	{
		Reason: ReasonResourceWidened, Code: InvalidTarget, Description: wireTarget, Claim: "resource",
		Rule: "A token request names only resources that were granted. RFC 8707 §2.2.",
	},

	// The access token at a protected resource.
	{
		Reason: ReasonTokenMissing, Code: InvalidToken, Description: wireTokenMissing, Claim: "Authorization",
		Rule: "The request carries no access token. RFC 6750 §3.1: the challenge then names no error.",
	},
	{
		Reason: ReasonTokenMalformed, Code: InvalidToken, Description: wireToken, Claim: "Authorization",
		Rule: "The access token is not of a form that this server issues. RFC 6750 §3.1.",
	},
	{
		Reason: ReasonTokenSignature, Code: InvalidToken, Description: wireToken, Claim: "kid",
		Rule: "The signature or seal of the token is wrong, or its key is unknown.",
	},
	{
		Reason: ReasonTokenWrongType, Code: InvalidToken, Description: wireToken, Claim: "typ",
		Rule: "Only an access token authorises: an ID token or a refresh token does not. RFC 9068 §4.",
	},
	{
		Reason: ReasonTokenExpired, Code: InvalidToken, Description: wireToken, Claim: "exp", Unit: UnixMillis,
		Rule: "The token is past its exp.",
	},
	{
		Reason: ReasonTokenIssuer, Code: InvalidToken, Description: wireToken, Claim: "iss",
		Rule: "The token is from another issuer.",
	},
	{
		Reason: ReasonTokenAudience, Code: InvalidToken, Description: wireToken, Claim: "aud",
		Rule: "The token is for another resource server. RFC 9068 §4.",
	},
	{
		Reason: ReasonTokenInactive, Code: InvalidToken, Description: wireToken, Claim: "rvs", Unit: LC,
		Rule: "The token is no longer alive.",
	},
	{
		Reason: ReasonTokenScopeInsufficient, Code: InsufficientScope, Description: wireInsufficient, Claim: "scope",
		Rule: "The token's scope does not cover the request. RFC 6750 §3.1.",
	},
	{
		Reason: ReasonTokenInQuery, Code: InvalidRequest, Description: wireTokenInQuery, Claim: "access_token",
		Rule: "An access token never travels in a URL. RFC 9700 §4.3.2.",
	},
	{
		Reason: ReasonTokenPresentedTwice, Code: InvalidRequest, Description: wireTokenTwice, Claim: "access_token",
		Rule: "An access token is presented in one way only. RFC 6750 §2.",
	},
	{
		Reason: ReasonTokenTypeUnsupported, Code: UnsupportedTokenType, Description: wireTokenType, Claim: "token_type_hint",
		Rule: "Tokens of this type cannot be revoked here. RFC 7009 §2.2.1.",
	},
	{
		Reason: ReasonTokenOfOtherClient, Code: InvalidGrant, Description: wireGrant, Claim: "client_id",
		Rule: "A token is revoked by the client it was issued to. RFC 7009 §2.1.",
	},

	// Pages, sign-in, passwords.
	{
		Reason: ReasonInteractionUnknown, Code: InvalidRequest, Description: wireInteraction, Claim: "interactions.id_hash",
		Rule: "No such sign-in or consent page is pending.",
	},
	{
		Reason: ReasonInteractionExpired, Code: InvalidRequest, Description: wireInteraction, Claim: "interactions.ends_at", Unit: UnixMillis,
		Rule: "A sign-in page waits 15 minutes.",
	},
	{
		Reason: ReasonInteractionUsed, Code: InvalidRequest, Description: wireInteraction, Claim: "interactions.used_at", Unit: UnixMillis,
		Rule: "The page was answered already.",
	},
	{
		Reason: ReasonInteractionOtherBrowser, Code: InvalidRequest, Description: wireInteraction, Claim: "interactions.browser_hash",
		Rule: "A pending page belongs to the browser that opened it. RFC 9700 §4.7.",
	},
	{
		Reason: ReasonFormTokenWrong, Code: AccessDenied, Description: wireForm,
		Rule: "A form carries the token that this server put into it. RFC 9700 §4.7.",
	},
	{
		Reason: ReasonOriginForeign, Code: AccessDenied, Description: wireForm, Claim: "Origin",
		Rule: "A form comes from a page of this server: Origin and Sec-Fetch-Site say so.",
	},
	{
		Reason: ReasonCredentialsWrong, Code: AccessDenied, Description: wireCredentials, Status: http.StatusUnauthorized,
		Rule: "The account is unknown, or the proof is wrong; the answer never says which.",
	},
	{
		Reason: ReasonTooManyAttempts, Code: TemporarilyUnavailable, Description: wireAttempts, Status: http.StatusTooManyRequests, RetryAfter: time.Minute, Unit: Count,
		Rule: "Too many attempts in too short a time.",
	},
	{
		Reason: ReasonPasswordTooShort, Code: InvalidRequest, Description: wirePasswordShort, Claim: "password", Unit: Count,
		Rule: "The password is shorter than the policy asks for. NIST SP 800-63B-4 §3.1.1.2.",
	},
	{
		Reason: ReasonPasswordTooLong, Code: InvalidRequest, Description: wirePasswordLong, Claim: "password", Unit: Bytes,
		Rule: "The password is longer than the server hashes.",
	},
	{
		Reason: ReasonPasswordCommon, Code: InvalidRequest, Description: wirePasswordCommon, Claim: "password",
		Rule: "The password is on the list of common or breached ones. NIST SP 800-63B-4 §3.1.1.2.",
	},
	{
		Reason: ReasonPasswordContext, Code: InvalidRequest, Description: wirePasswordContext, Claim: "password",
		Rule: "The password is made of the account's or the service's own name. NIST SP 800-63B-4 §3.1.1.2.",
	},
	{
		Reason: ReasonPasswordCurrentWrong, Code: AccessDenied, Description: wirePasswordCurrent, Claim: "password",
		Rule: "Changing the password needs the current one.",
	},
	{
		Reason: ReasonLogoutURIUnregistered, Code: InvalidRequest, Description: wireLogoutURI, Claim: "post_logout_redirect_uri",
		Rule: "The post-logout redirect URI equals a registered one. OpenID Connect RP-Initiated Logout §3.",
	},
	{
		Reason: ReasonLogoutHintInvalid, Code: InvalidRequest, Description: wireLogoutHint, Claim: "id_token_hint",
		Rule: "The id_token_hint is not an ID token of this issuer. OpenID Connect RP-Initiated Logout §2.",
	},
	{
		Reason: ReasonLogoutClientMismatch, Code: InvalidRequest, Description: wireLogoutClient, Claim: "client_id",
		Rule: "The client_id is the one the ID token was issued to. OpenID Connect RP-Initiated Logout §2.",
	},
	{
		Reason: ReasonSetupTokenWrong, Code: AccessDenied, Description: wireSetup,
		Rule: "The setup link is wrong or older than the last one printed.",
	},
	{
		Reason: ReasonSetupDone, Code: InvalidRequest, Description: wireSetupDone, Status: http.StatusGone,
		Rule: "The server is set up; the setup link worked once.",
	},
	{
		Reason: ReasonSignUpOff, Code: AccessDenied, Description: wireSignUp, Claim: "sign_up",
		Rule: "Nobody makes an account by themself unless the setting sign_up says so.",
	},

	// The revocation feed.
	{
		Reason: ReasonCursorMalformed, Code: InvalidRequest, Description: wireCursor, Claim: "cursor",
		Rule: "A cursor is what the feed gave: the log, a dot, and a number. docs/reference/revocation-feed.md.",
	},
	{
		Reason: ReasonCursorGone, Code: InvalidRequest, Description: wireCursorGone, Claim: "cursor", Status: http.StatusGone,
		Rule: "A cursor of another log, or one too old to be resumed, needs a new snapshot. docs/reference/revocation-feed.md.",
	},
	{
		Reason: ReasonReportMalformed, Code: InvalidRequest, Description: wireReport,
		Rule: "A verifier reports with one JSON object of the members that the feed names. docs/reference/revocation-feed.md.",
	},

	// Trouble of ours.
	{
		Reason: ReasonDatabaseUnavailable, Code: TemporarilyUnavailable, Description: wireUnavailable, RetryAfter: 2 * time.Second,
		Rule: "The database does not answer: trouble of ours is never invalid_grant.",
	},
	{
		Reason: ReasonNodeBehind, Code: TemporarilyUnavailable, Description: wireUnavailable, RetryAfter: 2 * time.Second, Unit: UnixMillis,
		Rule: "This node has not confirmed the head of the revocation log in time, or its clock is off: it mints nothing.",
	},
	{
		Reason: ReasonOverloaded, Code: TemporarilyUnavailable, Description: wireUnavailable, RetryAfter: time.Second, Unit: Count,
		Rule: "The queue is full.",
	},
	{
		Reason: ReasonConflictPersists, Code: TemporarilyUnavailable, Description: wireUnavailable, RetryAfter: time.Second, Unit: Count,
		Rule: "Other requests kept changing the same rows for as often as this one was tried.",
	},
	{
		Reason: ReasonSignerFailed, Code: ServerError, Description: wireServer, Claim: "kid",
		Rule: "The signing key could not be used; nothing was spent.",
	},
	{
		Reason: ReasonInternal, Code: ServerError, Description: wireServer,
		Rule: "A fault of ours; the log has the cause.",
	},
}
