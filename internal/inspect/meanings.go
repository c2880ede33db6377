package inspect

import "github.com/mintmark-id/mintmark/internal/jose"

// headerMeaning explains a member of a header.
func headerMeaning(name, value string) string {
	if name == "alg" {
		if how := algorithms[value]; how != "" {
			return "How it was signed: " + how + "."
		}
	}
	if name == "typ" {
		if what := mediaTypes[value]; what != "" {
			return "What it is: " + what + ". Verifiers check it, so that no kind of token passes for another."
		}
	}
	if meaning := headerMeanings[name]; meaning != "" {
		return meaning
	}
	return unknownMeaning
}

const unknownMeaning = "Not a standard name: ask whoever issued the token."

var algorithms = map[string]string{
	string(jose.ES256):   "ECDSA on the curve P-256 with SHA-256, made with a private key and checked with the public one",
	string(jose.RS256):   "RSA (PKCS #1 v1.5) with SHA-256, made with a private key and checked with the public one",
	string(jose.PS256):   "RSA-PSS with SHA-256, made with a private key and checked with the public one",
	string(jose.Ed25519): "Ed25519, made with a private key and checked with the public one",
	"EdDSA":              "a signature on an Edwards curve, without saying which",
	"HS256":              "HMAC with SHA-256 and a secret that signer and verifier share",
	"none":               "not at all",
}

var mediaTypes = map[string]string{
	"at+jwt":       "an access token (RFC 9068)",
	"JWT":          "a JSON Web Token of no stated purpose; ID tokens have this type",
	"logout+jwt":   "a logout token",
	"dpop+jwt":     "a DPoP proof",
	"secevent+jwt": "a security event",
}

// RFC 7515 §4.1 and RFC 7516 §4.1.
var headerMeanings = map[string]string{
	"alg":      "How the token was signed or its key encrypted.",
	"kid":      "Which of the issuer's published keys signed it.",
	"typ":      "What kind of token it is.",
	"cty":      "What kind of thing is inside.",
	"crit":     "Extensions that a verifier must understand, or refuse the token.",
	"jku":      "An address of keys. Verifiers must not fetch it: the token would choose its own judge.",
	"jwk":      "A public key. In a DPoP proof it is the sender's; elsewhere a verifier must not use it.",
	"x5c":      "A chain of certificates. A verifier must not trust it for being there.",
	"x5u":      "An address of certificates. Verifiers must not fetch it.",
	"x5t":      "The SHA-1 fingerprint of a certificate.",
	"x5t#S256": "The SHA-256 fingerprint of a certificate.",
	"enc":      "How the content is encrypted.",
	"zip":      "How the content was compressed before it was encrypted.",
	"epk":      "A public key made for this token alone, to agree on its encryption key.",
	"b64":      "Whether the payload is encoded in base64url.",
}

// claimMeaning explains a claim, which may mean different things in different tokens.
func claimMeaning(kind Kind, name, value string) string {
	switch {
	case kind == IDToken && name == "aud":
		return "Who it is for: the client that asked for the sign-in. Nobody else may use it."
	case kind == IDToken && name == "exp":
		return "When the client must stop accepting it. It says nothing about how long the user stays signed in."
	case name == "acr" && acrs[value] != "":
		return "How strong the sign-in was: " + acrs[value] + "."
	}
	if meaning := claimMeanings[name]; meaning != "" {
		return meaning
	}
	return unknownMeaning
}

var acrs = map[string]string{
	"0":    "no assurance at all (OpenID Connect Core §2)",
	"aal1": "one factor (NIST SP 800-63B)",
	"aal2": "two factors (NIST SP 800-63B)",
	"aal3": "two factors, one of them a key in hardware (NIST SP 800-63B)",
}

// claimMeanings: RFC 7519 §4.1, RFC 9068 §2.2, OpenID Connect Core §2 and §5.1,
// RFC 7800, RFC 8693 §4, RFC 9449 §4.2, and Mintmark's own gid and rvs.
var claimMeanings = map[string]string{
	"iss":             "Who issued it. A verifier fetches the keys from here, and from nowhere else.",
	"sub":             "The user, by an identifier that never changes and is never given to another; for a client on its own, the client.",
	"aud":             "Which API it is for. Any other must refuse it.",
	"exp":             "When it stops being accepted.",
	"nbf":             "From when it is accepted.",
	"iat":             "When it was made.",
	"jti":             "The token's own identifier: no other token has it, so this one alone can be revoked.",
	"client_id":       "The application that the token was given to.",
	"azp":             "The client that the token was given to, where the audience names several.",
	"scope":           "What the client may do, as words that the API knows. What the user may do is another question.",
	"scp":             "What the client may do, in the spelling of some other servers.",
	"auth_time":       "When the user proved who they are. Renewed tokens keep it, so an API can ask for a fresh sign-in.",
	"acr":             "How strong the sign-in was, in the issuer's scale.",
	"amr":             "How the user signed in: pwd is a password, otp a one-time code, hwk a key in hardware, mfa several together.",
	"nonce":           "The random value that the client sent with its request: it ties the token to that one sign-in.",
	"at_hash":         "Half a hash of the access token that came with it, so that neither can be swapped.",
	"c_hash":          "Half a hash of the authorization code that came with it.",
	"s_hash":          "Half a hash of the state that came with it.",
	"sid":             "The browser's session at the server. Signing out there ends every access token that carries it.",
	"gid":             "The grant: what one sign-in gave one client. Ending it ends its access and refresh tokens (Mintmark's own).",
	"userinfo_claims": "What userinfo tells beyond the scope, because the claims parameter asked for it by name (Mintmark's own).",
	"rvs":             "Up to which moment of the revocation log the token was known to be alive. A later revocation kills it (Mintmark's own, in milliseconds).",
	"cnf":             "The key that the token is bound to: without a proof of that key it is worth nothing.",
	"act":             "Who is acting for the user.",
	"may_act":         "Who may act for the user.",
	"htm":             "The HTTP method that the proof is for.",
	"htu":             "The address that the proof is for.",
	"ath":             "A hash of the access token that the proof goes with.",
	"events":          "What happened.",
	"toe":             "When it happened.",
	"txn":             "A number that ties together the records of one transaction.",
	"token_use":       "What the token is for, in the spelling of some other servers.",
	"roles":           "The user's roles.",
	"groups":          "The user's groups.",

	"authorization_details": "What the client may do, in detail (RFC 9396).",

	"active":     "Whether the token is worth anything now: not expired, not revoked, and everything it hangs from alive.",
	"token_type": "How the token is used: Bearer means that having it is enough.",

	"name":                  "The user's full name, as it is displayed.",
	"given_name":            "The user's given name.",
	"family_name":           "The user's family name.",
	"middle_name":           "The user's middle name.",
	"nickname":              "What the user likes to be called.",
	"preferred_username":    "A short name that the user chose. It may change: never use it to recognise an account.",
	"profile":               "The address of the user's profile page.",
	"picture":               "The address of the user's picture.",
	"website":               "The address of the user's web page.",
	"email":                 "The user's e-mail address. It may change: recognise the account by iss and sub.",
	"email_verified":        "Whether the issuer made sure that the address is the user's.",
	"gender":                "The user's gender.",
	"birthdate":             "The user's birthday, as year-month-day; the year may be 0000.",
	"zoneinfo":              "The user's time zone.",
	"locale":                "The user's language and region.",
	"phone_number":          "The user's telephone number.",
	"phone_number_verified": "Whether the issuer made sure that the number is the user's.",
	"address":               "The user's postal address.",
	"updated_at":            "When the issuer last changed what it knows of the user.",
}
