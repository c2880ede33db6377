package main

// dateClaims are seconds since 1970.
var dateClaims = []string{"exp", "nbf", "iat", "auth_time", "updated_at"}

// headerMeanings says what the members of a JOSE header mean.
var headerMeanings = map[string]string{
	"alg":      "how it is signed",
	"kid":      "the key that signed it, by its name in the JWKS",
	"typ":      "what kind of token it is",
	"cty":      "what is inside",
	"enc":      "how its content is encrypted",
	"jku":      "where the key is said to be; never to be followed unasked",
	"jwk":      "a key that the token brings along; never to be trusted by itself",
	"x5c":      "a certificate chain that the token brings along",
	"x5t":      "the thumbprint of a certificate",
	"x5t#S256": "the thumbprint of a certificate",
	"crit":     "what a verifier must understand or refuse",
}

// claimMeanings says what the claims mean: RFC 7519, RFC 9068, OpenID Connect Core
// §2 and §5.1, and our own.
var claimMeanings = map[string]string{
	"iss":       "who issued it",
	"sub":       "whom it is about: the user, or the client itself",
	"aud":       "for whom it is; everybody else refuses it",
	"exp":       "when it expires",
	"nbf":       "before when it must not be used",
	"iat":       "when it was issued",
	"jti":       "its own name; it can be revoked by it",
	"client_id": "the client that got it",
	"scope":     "what it allows",
	"azp":       "the client that it was issued to",
	"nonce":     "what the client sent along with its request, to recognise it",
	"auth_time": "when the user last proved who they are",
	"acr":       "how well that was proved",
	"amr":       "by which factors that was proved",
	"at_hash":   "ties it to the access token that came with it",
	"c_hash":    "ties it to the code that came with it",
	"s_hash":    "ties it to the state that came with it",
	"sid":       "the session: the browser's sign-in that it comes from",
	"gid":       "the grant: what that sign-in gave to the client",
	"rvs":       "revoked by any cutoff above this; the server's clock when it looked",
	"cnf":       "the key whose holder alone may use it",
	"act":       "who acts for the subject",
	"may_act":   "who may act for the subject",
	"events":    "what happened",
	"roles":     "roles of the subject",
	"groups":    "groups of the subject",

	"name":                  "the user's full name",
	"given_name":            "the user's given name",
	"family_name":           "the user's family name",
	"middle_name":           "the user's middle name",
	"nickname":              "the user's nickname",
	"preferred_username":    "how the user wants to be called; not unique",
	"profile":               "the user's page",
	"picture":               "the user's portrait",
	"website":               "the user's web site",
	"email":                 "the user's e-mail address",
	"email_verified":        "whether the address is known to be the user's",
	"gender":                "the user's gender",
	"birthdate":             "the user's birthday",
	"zoneinfo":              "the user's time zone",
	"locale":                "the user's language",
	"phone_number":          "the user's phone number",
	"phone_number_verified": "whether the number is known to be the user's",
	"address":               "the user's postal address",
	"updated_at":            "when the user's data last changed",
}
