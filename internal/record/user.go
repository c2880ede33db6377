package record

import "encoding/json"

// UserStatus says whether a user may sign in.
type UserStatus string

// A disabled user's sessions, grants and tokens are dead, and none can be made.
const (
	UserActive   UserStatus = "active"
	UserDisabled UserStatus = "disabled"
)

// The kinds of identifier and of factor.
const (
	IdentifierEmail = "email"
	IdentifierPhone = "phone"
	FactorPassword  = "password"
	FactorUpstream  = "upstream" // of a proof alone: what somebody else vouched for
)

// Identifier is what a user signs in with. Value is canonical (one function
// makes it so, at the edge); at most one of each kind belongs to a user.
type Identifier struct {
	Kind       string
	Value      string
	UserID     string
	VerifiedAt int64 // zero: not verified
}

// User is a person who signs in. Claims holds the standard claims that are not
// identifiers (OpenID Connect Core §5.1), as a JSON object.
type User struct {
	ID           string
	Status       UserStatus
	Claims       json.RawMessage
	TokenVersion int64 // rises with every cut, for the profiles that show it
	Cut          int64
	MadeAt       int64
	Version      int64
	// Subs are the pairwise subjects that the user has been given: beside the id, the
	// names under which tokens know them.
	Subs  []string
	Email *Identifier
	Phone *Identifier
}

// Factor is one way in which a user proves who they are.
type Factor struct {
	ID     string
	UserID string
	Kind   string
	Data   string // password: an Argon2id string in PHC form
	MadeAt int64
}

// Proof is one factor that was shown in a session. A session is derived from
// its proofs; there is no other way to advance one.
type Proof struct {
	Factor string `json:"factor"`
	At     int64  `json:"at"`
	// Issuer is that of the upstream that vouched for the user.
	Issuer string `json:"issuer,omitempty"`
}

// Session is a browser's sign-in.
type Session struct {
	ID          string // sid
	CookieHash  []byte
	BrowserHash []byte // of the browser cookie; makes this browser known to the user's back-off
	UserID      string
	Proofs      []Proof
	AuthTime    int64
	RVS         int64 // the lc read before its first proof was checked
	Agent       string
	MadeAt      int64
	SeenAt      int64
	IdleUntil   int64
	AbsUntil    int64
	EndedAt     int64
}

// Consent is what a user lets a client do; one row per pair.
type Consent struct {
	UserID   string
	ClientID string
	Scope    []string
	Claims   []string // attributes beyond those that the scopes stand for
	// Face is what the client was when the user said yes: another face is asked about
	// again. Empty in a row of an earlier release.
	Face   string
	Cut    int64
	MadeAt int64
}

// AskedClaims are attributes of the user that a request named one by one (OpenID
// Connect Core §5.5), and where they are to be told.
type AskedClaims struct {
	Userinfo []string `json:"userinfo,omitempty"`
	IDToken  []string `json:"id_token,omitempty"`
}

// Empty reports whether there are none.
func (c AskedClaims) Empty() bool { return len(c.Userinfo)+len(c.IDToken) == 0 }

// AuthnFacts say how and when the user signed in; every token of the grant
// repeats them, renewed ones too.
type AuthnFacts struct {
	AuthTime int64    `json:"auth_time"` // Unix milliseconds
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
}

// Grant is what one code gave one client; the parent of its tokens. Its refresh
// tokens are derived from it (generation by generation), never stored.
type Grant struct {
	ID        string // gid
	UserID    string
	ClientID  string
	SID       string // empty for an offline_access grant
	Origin    string // the session in which it was made, also of an offline grant
	Scope     []string
	Resources []string
	Claims    AskedClaims
	Facts     AuthnFacts
	RVS       int64
	MadeAt    int64
	Gen       int64
	RotatedAt int64
	LateGen   int64
	LateRun   int64
	JKT       string
	X5T       string // of the certificate that its refresh tokens are bound to; empty: none
	IdleUntil int64
	AbsUntil  int64
	EndedAt   int64
}

// Offline reports whether the grant outlives the browser's sign-in.
func (g *Grant) Offline() bool { return g.SID == "" }

// Code is an authorization code's row; the code itself is only hashed.
type Code struct {
	Hash      []byte
	ClientID  string
	UserID    string
	SID       string // of the session it came from
	GID       string // of the grant it will give
	Request   CodeRequest
	Challenge string // S256; empty where the client sent none
	RVS       int64
	UsedAt    int64
	EndsAt    int64
}

// CodeRequest is what the authorization request fixed for the code's exchange.
type CodeRequest struct {
	RedirectURI      string      `json:"redirect_uri"`
	RedirectURIGiven bool        `json:"redirect_uri_given"` // RFC 6749 §4.1.3: must then be repeated
	Scope            []string    `json:"scope"`
	Resources        []string    `json:"resources"`
	Claims           AskedClaims `json:"claims,omitzero"`
	Nonce            string      `json:"nonce,omitempty"`
	Facts            AuthnFacts  `json:"facts"`
	Offline          bool        `json:"offline"`
}

// Counter is a shared limit: n events in a window.
type Counter struct {
	Name       string
	N          int64
	WindowEnds int64
}
