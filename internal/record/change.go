package record

import (
	"encoding/json"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// Change is one write that a decision asks for. The set is sealed: store has a
// case for each, and the build's exhaustiveness check fails when one is missing.
//
// A decision's changes are one plan, committed together or not at all. A change
// that is documented as a guard fails the whole plan with a conflict when it
// finds its row in another state; the engine then loads and decides again.
//
//sumtype:decl
type Change interface{ change() }

// Append adds an entry to the revocation log. All entries of a plan share the
// plan's logical clock, which is also the cutoff unless the target's kind is
// for ever, and is what CutUser and its like write on the parent's row.
type Append struct {
	Target revocation.Target
	Reason string
	Actor  string
	At     int64
}

// PutInteraction adds a pending login or consent page.
type PutInteraction struct{ Interaction Interaction }

// UseInteraction spends an interaction. Guard: it is unused.
type UseInteraction struct {
	IDHash []byte
	At     int64
}

// ChooseAccount keeps with an interaction which user was chosen. Guard: it is
// unused.
type ChooseAccount struct {
	IDHash []byte
	UserID string
}

// PutSession adds a browser's sign-in. FactorID is the factor that was checked;
// when not empty it is a guard: its user is active and still has it.
type PutSession struct {
	Session  Session
	FactorID string
}

// RenewSession gives a session that was proven again a new cookie, new proofs
// and a new auth_time; its sid stays. RVS raises the session's, and never lowers
// it: a MarkSession of the same plan stands. Guard: it has not ended and still has
// the old cookie, and FactorID as in PutSession.
type RenewSession struct {
	ID            string
	FactorID      string
	OldCookieHash []byte
	CookieHash    []byte
	Proofs        []Proof
	AuthTime      int64
	RVS           int64
	SeenAt        int64
	IdleUntil     int64
}

// SeeSession moves a session's idle limit.
type SeeSession struct {
	ID        string
	SeenAt    int64
	IdleUntil int64
}

// EndSession ends a sign-in. Ending twice is no conflict.
type EndSession struct {
	ID string
	At int64
}

// TellClients puts a logout on the outbox for each client that has had a token in
// a session that ends and that wants to hear of it (OpenID Connect Back-Channel
// Logout 1.0 §2.3). It stands with the end of the session, of the user or of
// everything, and sees the rows as they were before that plan: a session that had
// ended was told of then, and one that a MarkSession of the plan keeps is not.
type TellClients struct {
	Of revocation.Target // a session, a user, or everything
	At int64
}

// MarkSession lifts a session and its grants above the cutoff that the same
// plan appends: "log out all others" keeps the one that asked. Guard: it is
// alive, so that one that was cut since it was read does not come back. Grants
// that were dead before stay dead.
type MarkSession struct{ ID string }

// PutConsent records what a user lets a client do; an older row is replaced,
// its cutoff kept.
type PutConsent struct{ Consent Consent }

// PutCode adds an authorization code. Guard: its session is alive.
type PutCode struct{ Code Code }

// UseCode spends a code. Guard: it is unused and of this client.
type UseCode struct {
	Hash     []byte
	ClientID string
	At       int64
}

// PutGrant adds a grant. Guard: the session SessionID has not ended, so that an
// exchange racing a logout leaves nothing alive (tokens.md I3).
type PutGrant struct {
	Grant     Grant
	SessionID string // also for an offline grant; empty: no session above
}

// RotateGrant moves a grant to its next generation. Guard: it stands at From
// and has not ended.
type RotateGrant struct {
	ID        string
	From      int64
	At        int64
	IdleUntil int64
}

// NoteLate stores that generation Gen was reached while its predecessor was
// replayed late, Run times in a row. Guard: the row is as it was read.
type NoteLate struct {
	ID               string
	Gen              int64 // the grant's generation, unchanged by this
	WasGen, WasRun   int64
	LateGen, LateRun int64
}

// TouchGrant moves the idle limit of a grant that does not rotate. Guard: it
// has not ended.
type TouchGrant struct {
	ID        string
	IdleUntil int64
}

// EndGrant ends a grant and with it its refresh tokens. Ending twice is no
// conflict.
type EndGrant struct {
	ID string
	At int64
}

// CutUser raises a user's cutoff to the plan's logical clock and the token
// version by one. Guard: Subs are all the subjects that the user has been given, so
// that none is left out of the log.
type CutUser struct {
	UserID string
	Subs   []string
}

// GiveSubject notes that a user has been given a pairwise subject. Guard: they have
// those that were read.
type GiveSubject struct {
	UserID string
	Sub    string
	Had    []string
}

// CutClient raises a client's cutoff to the plan's logical clock.
type CutClient struct{ ClientID string }

// CutConsent raises the cutoff of a user's consent for a client, making the
// row when there is none, and empties its scopes.
type CutConsent struct {
	UserID, ClientID string
	At               int64
}

// CutResource raises a resource's cutoff to the plan's logical clock.
type CutResource struct{ Aud string }

// CutAll raises the cutoff of everything.
type CutAll struct{}

// RestartLog begins a new log in the place of the one that is named From: its
// entries are dropped, its numbers start again at one, and its clock stands a day
// beyond both its own and the node's, out of reach of whatever was promised before
// (tokens.md I8). It comes before whatever else its plan does. Guard: the log is
// From.
type RestartLog struct {
	From    revocation.LogID
	LogID   revocation.LogID
	FeedKey revocation.FeedKey
}

// PutUser adds a user. Guard: the id is free.
type PutUser struct{ User User }

// UpdateUser replaces a user's status and claims. Guard: the version.
type UpdateUser struct {
	UserID  string
	Status  UserStatus
	Claims  json.RawMessage
	Version int64 // the one that was read
}

// DeleteUser removes a user with identifiers, factors, links and consents, and ends
// all sessions and grants of that user. An id is never given again. Guard: it is of
// the version, if one is named.
type DeleteUser struct {
	UserID  string
	At      int64
	Version int64
}

// PutSignUp notes that a user made the account without anybody having seen that
// the address is theirs.
type PutSignUp struct {
	UserID string
	At     int64
}

// ConfirmSignUp forgets that note and removes the factors and the links that were
// set while nobody had seen it. Guard: the note is there.
type ConfirmSignUp struct{ UserID string }

// PutIdentifier adds an identifier. Guard: nobody has it.
type PutIdentifier struct{ Identifier Identifier }

// ReplaceIdentifier changes a user's identifier of one kind, or its
// verification. Guard: nobody else has it.
type ReplaceIdentifier struct{ Identifier Identifier }

// DeleteIdentifier takes a user's identifier of one kind away.
type DeleteIdentifier struct{ UserID, Kind string }

// PutFactor adds or replaces a user's factor of one kind. OldData, when not
// empty, is a guard: the factor still holds it.
type PutFactor struct {
	Factor  Factor
	OldData string
}

// CountAttempt adds one to a counter before the attempt is made. Guard: the
// counter is below Limit, so that parallel attempts cannot outrun a back-off.
// A counter whose window has ended at At starts again at zero. WindowEnds is when
// the window ends from now on: a decision moves it with each attempt, or repeats
// the one that it read.
type CountAttempt struct {
	Name       string
	Limit      int64
	At         int64
	WindowEnds int64
}

// ClearCounter forgets a counter.
type ClearCounter struct{ Name string }

// Spend marks a one-time secret as used. Guard: it was not.
type Spend struct {
	KeyHash []byte
	EndsAt  int64
}

// PutClient adds a client with its first secret, if it has one. Guard: the id is
// free. The row is born with the plan's logical clock as its cutoff, so that
// nothing of an earlier client of the same name comes back to life.
type PutClient struct{ Client Client }

// UpdateClient replaces name, settings and enabled. Guard: the version.
type UpdateClient struct {
	ID       string
	Name     string
	Settings ClientSettings
	Enabled  bool
	Version  int64 // the one that was read
}

// PutClientSecret adds a secret and ends the older ones at OthersEnd.
type PutClientSecret struct {
	ClientID  string
	Secret    ClientSecret
	OthersEnd int64
}

// DeleteClient removes a client with its secrets, codes, consents and registration,
// and ends all its grants. Guard: it is of the version, if one is named.
type DeleteClient struct {
	ID      string
	At      int64
	Version int64
}

// PutRegistration says how a client came that the same plan adds.
type PutRegistration struct{ Registration Registration }

// ConfirmRegistration keeps a client for good that registered itself. Guard: it is
// still there.
type ConfirmRegistration struct{ ClientID string }

// RenewRegistration moves the time at which an unconfirmed client is forgotten.
// Guard: it is still there, and still unconfirmed.
type RenewRegistration struct {
	ClientID string
	EndsAt   int64
}

// ForgetRegistration takes the place of a DeleteClient for a client that was never
// let in. Guard: it is unconfirmed, and its time had come at At.
type ForgetRegistration struct {
	ClientID string
	At       int64
}

// ForgetConsents has every user asked again before a client gets anything new.
// What it has lives on.
type ForgetConsents struct{ ClientID string }

// PutInitialToken adds an initial access token.
type PutInitialToken struct{ Token InitialToken }

// UseInitialToken counts a registration. Guard: the token is there, At is before
// its end, and it was not used as often as it may be.
type UseInitialToken struct {
	ID string
	At int64
}

// DeleteInitialToken removes one; the clients that came with it stay. Guard: it is
// there.
type DeleteInitialToken struct{ ID string }

// PutAdminToken adds an admin token. Guard: its name is free.
type PutAdminToken struct{ Token AdminToken }

// SeeAdminToken notes when an admin token was last used.
type SeeAdminToken struct {
	Name string
	At   int64
}

// DeleteAdminToken removes one. Guard: it is there.
type DeleteAdminToken struct{ Name string }

// PutAnswer keeps a sealed answer until EndsAt. Guard: none is kept under the key that
// has not ended at At.
type PutAnswer struct {
	KeyHash []byte
	Sealed  []byte
	At      int64
	EndsAt  int64
}

// PutResource adds a resource. Guard: the audience is free. Like a client it is
// born with the plan's logical clock as its cutoff.
type PutResource struct{ Resource Resource }

// UpdateResource replaces a resource's settings. Guard: the version.
type UpdateResource struct {
	Aud      string
	Settings ResourceSettings
	Version  int64 // the one that was read
}

// DeleteResource removes a resource; its cutoff goes to the log first. Guard: it is of
// the version, if one is named.
type DeleteResource struct {
	Aud     string
	Version int64
}

// PutKey adds a signing key.
type PutKey struct{ Key SigningKey }

// MoveKey changes a key's status. Guard: it has the status From.
type MoveKey struct {
	KID            string
	From, To       KeyStatus
	SignsFrom      int64
	PublishedUntil int64
}

// PutRoot adds a sealed root. Guard: the key id is free.
type PutRoot struct{ Root SealedRoot }

// DropRoot destroys a root: what it sealed opens no more. Guard: it is there.
type DropRoot struct{ KeyID int64 }

// RaiseLongest records the longest lifetime of any token in force, from which
// the log's keep_until follows (tokens.md I5).
type RaiseLongest struct {
	TTL   int64 // milliseconds
	Until int64
}

// Audit is a row of the audit trail, written with what it records. A Key that
// is not empty makes equal events of one minute one row with a count.
type Audit struct {
	ID       string
	Key      string
	At       int64
	Event    string
	Actor    string
	UserID   string
	ClientID string
	GID      string
	Detail   string
}

func (Append) change()            {}
func (PutInteraction) change()    {}
func (UseInteraction) change()    {}
func (ChooseAccount) change()     {}
func (PutSession) change()        {}
func (RenewSession) change()      {}
func (SeeSession) change()        {}
func (EndSession) change()        {}
func (TellClients) change()       {}
func (MarkSession) change()       {}
func (PutConsent) change()        {}
func (PutCode) change()           {}
func (UseCode) change()           {}
func (PutGrant) change()          {}
func (RotateGrant) change()       {}
func (NoteLate) change()          {}
func (TouchGrant) change()        {}
func (EndGrant) change()          {}
func (CutUser) change()           {}
func (GiveSubject) change()       {}
func (CutClient) change()         {}
func (CutConsent) change()        {}
func (CutResource) change()       {}
func (CutAll) change()            {}
func (RestartLog) change()        {}
func (PutUser) change()           {}
func (UpdateUser) change()        {}
func (DeleteUser) change()        {}
func (PutSignUp) change()         {}
func (ConfirmSignUp) change()     {}
func (PutIdentifier) change()     {}
func (ReplaceIdentifier) change() {}
func (DeleteIdentifier) change()  {}
func (PutFactor) change()         {}
func (CountAttempt) change()      {}
func (ClearCounter) change()      {}
func (Spend) change()             {}
func (PutClient) change()         {}
func (UpdateClient) change()      {}
func (PutClientSecret) change()   {}
func (DeleteClient) change()      {}
func (PutResource) change()       {}
func (UpdateResource) change()    {}
func (DeleteResource) change()    {}
func (PutKey) change()            {}
func (MoveKey) change()           {}
func (PutRoot) change()           {}
func (DropRoot) change()          {}
func (RaiseLongest) change()      {}
func (Audit) change()             {}

func (PutRegistration) change()     {}
func (ConfirmRegistration) change() {}
func (RenewRegistration) change()   {}
func (ForgetRegistration) change()  {}
func (ForgetConsents) change()      {}
func (PutInitialToken) change()     {}
func (UseInitialToken) change()     {}
func (DeleteInitialToken) change()  {}

func (PutAdminToken) change()    {}
func (SeeAdminToken) change()    {}
func (DeleteAdminToken) change() {}
func (PutAnswer) change()        {}

func (PutUpstream) change()    {}
func (UpdateUpstream) change() {}
func (DeleteUpstream) change() {}
func (PutLink) change()        {}
func (UseLink) change()        {}
func (DeleteLink) change()     {}
