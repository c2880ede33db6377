package record

import (
	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// Parents is what must be alive for a token, code, grant or session to be: the
// cutoffs and states of everything above it, read in one snapshot whose logical
// clock is LC. Which of them apply to a child is decided by decide.Alive alone.
type Parents struct {
	LC     int64
	AllCut int64

	UserID     string     // empty: no user above (client_credentials)
	UserStatus UserStatus // empty when the user is gone
	UserCut    int64

	ClientID      string // empty: no client above (a session)
	ClientEnabled bool   // false also when the client is gone
	ClientCut     int64

	ConsentCut   int64
	ResourceCuts []int64

	SID              string // empty: no session above
	SessionEndedAt   int64  // also set, to 1, when the session's row is gone
	SessionIdleUntil int64
	SessionAbsUntil  int64

	GID          string // empty: no grant above
	GrantEndedAt int64  // also set, to 1, when the grant's row is gone

	KeyStatus  KeyStatus // of the key that signed; empty where nothing is signed
	JTIRevoked bool
}

// ClientState is what client_credentials is decided from, and what every
// decision starts with when its credential names nothing that we have.
type ClientState struct {
	LC        int64
	AllCut    int64
	Client    *Client // nil: no such client
	Resources map[string]*Resource
	Proof     ClientProof // of a client that authenticates with a key of its own
}

// ClientProof is what a client assertion is checked against.
type ClientProof struct {
	Keys    jose.KeySet  // of the client
	Trouble *oauth.Error // why there are no keys
	Spent   bool         // the assertion was used before
}

// CodeState is what a code's exchange is decided from.
type CodeState struct {
	ClientState
	Code    *Code // nil: no such code
	User    *User // where an ID token is to tell of them
	Parents Parents
}

// RefreshState is what a refresh is decided from.
type RefreshState struct {
	ClientState
	Grant   *Grant // nil: no such grant
	User    *User  // where an ID token is to tell of them
	Parents Parents
}

// TokenState is what introspection, revocation and userinfo are decided from:
// the caller's client and everything above the token that was presented.
type TokenState struct {
	ClientState
	Grant   *Grant // of a refresh token
	User    *User  // with identifiers; for userinfo alone
	Parents Parents
	// Subject is the client that an access token was issued to.
	Subject *Client
}

// AuthorizeState is what an authorization request is decided from.
type AuthorizeState struct {
	ClientState
	Session *Session // of the browser's cookie; nil: none
	User    *User    // the session's
	Consent *Consent // of the session's user for this client
	Parents Parents  // of the session
}

// LoginState is what a sign-in with a password is decided from. LC was read
// before the password is checked, so it becomes the session's rvs.
type LoginState struct {
	ClientState
	Interaction *Interaction
	User        *User // nil: nobody has this identifier
	Password    *Factor
	Known       bool // this browser signed in as this user before
	// Counters of failed attempts, by name; absent ones are zero.
	Counters map[string]Counter
	// Current is the session of this browser's session cookie, whoever's it is; nil:
	// none. CurrentParents are its own: its user, itself and everything.
	Current        *Session
	CurrentParents Parents
	Consent        *Consent // of the user for the client of the interaction
}

// SignUpState is what a sign-up is decided from.
type SignUpState struct {
	Interaction *Interaction // nil: no such interaction
	UserID      string       // of whoever has the address; empty: it is free
	Counters    map[string]Counter
}

// InteractionState is what a consent page's answer is decided from.
type InteractionState struct {
	AuthorizeState
	Interaction *Interaction // nil: no such interaction
}

// SessionState is what ending a session or acting on the account is decided
// from: the browser's session and its user.
type SessionState struct {
	LC       int64
	Session  *Session
	User     *User
	Password *Factor
	Parents  Parents
	Counters map[string]Counter
}

// LogoutState is what a logout is decided from.
type LogoutState struct {
	SessionState
	Client *Client // named by client_id or by the ID token hint; nil: none
}

// Head is where the revocation log stands.
type Head struct {
	LogID        revocation.LogID
	Seq          int64
	LC           int64
	AllCut       int64
	Chain        revocation.Chain // over the entries that the feed serves
	FeedKey      revocation.FeedKey
	LongestTTL   int64 // ms: of any token in force
	LongestUntil int64 // until then no shorter lifetime counts
}

// LogPart is a part of the revocation log as the feed serves it, and the head of
// the same snapshot.
type LogPart struct {
	Head    Head
	Entries []revocation.Entry
	Seq     int64 // the last number that was looked at; Head.Seq once nothing is left
	Gap     bool  // something was purged in between: the chain cannot be followed
}

// AuditEntry is a row of the audit trail as it is read back: an event, and how
// often it happened in its minute.
type AuditEntry struct {
	ID       string
	At       int64 // of the first
	Event    string
	Actor    string
	UserID   string
	ClientID string
	GID      string
	N        int64
	Detail   string
}
