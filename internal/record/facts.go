package record

import (
	"encoding/json"
	"sync/atomic"
)

// AccessFacts is everything that an access token says; mint renders it by the
// token profile. Times are Unix seconds, as in the token.
type AccessFacts struct {
	Profile   TokenProfile
	Opaque    bool   // sealed instead of signed
	Alg       string // of the signature
	Subject   string
	ClientID  string
	Audience  []string
	Scope     string // space-separated
	JTI       string
	SID       string
	GID       string
	IssuedAt  int64
	ExpiresAt int64
	AuthTime  int64 // zero for client_credentials
	ACR       string
	AMR       []string
	RVS       int64 // unix ms of the logical clock
	// X5T is the thumbprint of the certificate that the token is bound to (RFC 8705
	// §3.1); empty: whoever bears it may use it.
	X5T string
	// Userinfo are the attributes that userinfo is to tell beyond those of the scope.
	Userinfo []string
}

// Claim is an attribute of the user, as JSON.
type Claim struct {
	Name  string
	Value json.RawMessage
}

// IDFacts is everything that an ID token says. mint adds at_hash from the
// access token that goes with it.
type IDFacts struct {
	Profile   TokenProfile
	Alg       string
	Subject   string
	ClientID  string
	SID       string
	Nonce     string
	IssuedAt  int64
	ExpiresAt int64
	AuthTime  int64
	ACR       string
	AMR       []string
	Claims    []Claim // attributes that were asked for here
}

// RefreshFacts name the refresh token to derive.
type RefreshFacts struct {
	GID        string
	Generation int64
}

// Tokens are the facts of one token response. A nil part is not issued.
type Tokens struct {
	Access    *AccessFacts
	ID        *IDFacts
	Refresh   *RefreshFacts
	ExpiresIn int64 // seconds
	Scope     string
}

// SignedTokens is Tokens after mint.
type SignedTokens struct {
	Access    string
	ID        string
	Refresh   string
	ExpiresIn int64 // seconds
	Scope     string
	GID       string // for the log; empty: no grant
}

// VerifiedToken is an access or ID token whose signature, issuer and type were
// checked; whether it is alive is still to be decided. Nobody changes one that
// others may have.
type VerifiedToken struct {
	KID       string // of the key that signed; AccessRootKID of an opaque token's root
	Subject   string
	ClientID  string
	Audience  []string
	Scope     []string
	JTI       string
	SID       string
	GID       string
	IssuedAt  int64
	ExpiresAt int64
	AuthTime  int64
	ACR       string
	AMR       []string
	RVS       int64
	X5T       string   // see AccessFacts
	Userinfo  []string // see AccessFacts
	// Claims is the whole payload, for introspection.
	Claims json.RawMessage

	names atomic.Pointer[TokenNames]
}
