package record

// Upstream is an OpenID Provider that signs people in for this server.
type Upstream struct {
	ID       string
	Settings UpstreamSettings
	Sealed   []byte // the client secret, under the key-encryption key
	MadeAt   int64
	Version  int64
}

// UpstreamSettings is what an administrator says about an upstream.
type UpstreamSettings struct {
	Name     string   `json:"name"` // what people see
	Issuer   string   `json:"issuer"`
	ClientID string   `json:"client_id"` // this server's, there
	Scopes   []string `json:"scopes,omitempty"`
	// Algs are those that its ID tokens may be signed with; empty: whatever it says of
	// itself.
	Algs []string `json:"algs,omitempty"`
	// SignUp lets whoever is not known here make an account by signing in there, where
	// the server lets strangers make accounts at all.
	SignUp bool `json:"sign_up,omitempty"`
}

// Link ties an account of an upstream to a user. Issuer and Subject are the only key
// of a foreign account (OpenID Connect Core §5.7).
type Link struct {
	ID      string
	Issuer  string
	Subject string
	UserID  string
	MadeAt  int64
	UsedAt  int64 // of the last sign-in with it; zero: none
}

// ArrivalState is what the end of a trip to an upstream is decided from. The user of
// LoginState is the one that the foreign account is linked to.
type ArrivalState struct {
	LoginState
	Upstream *Upstream // of the trip; nil: it is gone
	Spent    bool      // the trip has ended before
	Taken    string    // the user who has the foreign account's address here; empty: nobody
}

// LinksState is what an act on a user's links is decided from.
type LinksState struct {
	SessionState
	Links     []Link
	Upstreams []Upstream
}

// The changes of these rows: see Change.

// PutUpstream adds an upstream. Guard: its id is free.
type PutUpstream struct{ Upstream Upstream }

// UpdateUpstream replaces an upstream's settings and secret. Guard: the version.
type UpdateUpstream struct {
	ID       string
	Settings UpstreamSettings
	Sealed   []byte
	Version  int64 // the one that was read
}

// DeleteUpstream removes an upstream; accounts stay linked to its issuer. Guard: the
// version.
type DeleteUpstream struct {
	ID      string
	Version int64 // the one that was read
}

// PutLink ties a foreign account to a user. Guards: the user is there and the foreign
// account is nobody's.
type PutLink struct{ Link Link }

// UseLink notes a sign-in with a foreign account. Guard: it is still the user's, who is
// active.
type UseLink struct {
	Issuer, Subject string
	UserID          string
	At              int64
}

// DeleteLink takes a foreign account from a user. Guards: it is theirs, and if NotLast
// says so they have another.
type DeleteLink struct {
	ID, UserID string
	NotLast    bool
}
