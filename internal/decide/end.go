package decide

import (
	"fmt"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// Who ends things when it is not a user, a client or an administrator.
const (
	ActorServer = "server"
	ActorAdmin  = "admin"
)

// ActorUser names a user in the log and the audit trail.
func ActorUser(userID string) string { return "user:" + userID }

// ActorClient names a client in the log and the audit trail.
func ActorClient(clientID string) string { return "client:" + clientID }

// Ending says what ends, why and by whom. UserID and ClientID are for the audit
// row, where the target itself does not name them.
type Ending struct {
	Target   revocation.Target
	Reason   string // a word for the log and the audit trail, such as "logout"
	Actor    string
	UserID   string
	ClientID string
	// Subs are the pairwise subjects of a user who ends: all that they have been given.
	Subs []string
	// Client is that of a consent that ends, whose sub for the user may be its own.
	Client *record.Client
	// Key is the key that ends, as it was read; nil for everything else.
	Key *record.SigningKey
	// Root is the root of opaque access tokens that ends; nil for everything else.
	Root *record.SealedRoot
	// KeepRow ends live tokens but keeps what they were made from: the log gets its
	// entry, the parent's row no cutoff (tokens.md, part 2). It means nothing for a
	// token, session, grant or key, which end for ever or not at all.
	KeepRow bool
}

// End is the one function through which anything ends (tokens.md I9). It returns
// the entry of the revocation log, the same end on the row that refresh and
// introspection read, the logout that clients hear of, and the audit row, to be
// committed in one plan (I3).
func End(what Ending, env Env) []record.Change {
	changes := []record.Change{
		record.Append{Target: what.Target, Reason: what.Reason, Actor: what.Actor, At: env.Now},
	}
	for _, also := range what.alsoKnown(env) {
		changes = append(changes, record.Append{Target: also, Reason: what.Reason, Actor: what.Actor, At: env.Now})
	}
	if endsSessions(what) {
		changes = append(changes, record.TellClients{Of: what.Target, At: env.Now})
	}
	if row := endRow(what, env.Now); row != nil {
		changes = append(changes, row)
	}
	return append(changes, endAudit(what, env))
}

// endedBefore repeats in a new log what ended for ever in the one before.
func endedBefore(target revocation.Target, reason string, env Env) record.Change {
	return record.Append{Target: target, Reason: reason, Actor: ActorServer, At: env.Now}
}

// endsSessions reports whether browsers' sign-ins end by it: then their clients hear
// of it, however that came (OpenID Connect Back-Channel Logout 1.0 §2.3). A grant
// that was replayed, a consent or a client that was cut off leave the session as it
// is, and so does what keeps its row.
func endsSessions(what Ending) bool {
	switch what.Target.Kind() {
	case revocation.SID:
		return true
	case revocation.Sub, revocation.All:
		return !what.KeepRow
	}
	return false
}

// endRow is the change of the row that stands for the target; nil for an access
// token, which has none, and for what KeepRow spares.
func endRow(what Ending, now int64) record.Change {
	first, second := what.Target.Part(0), what.Target.Part(1)
	switch what.Target.Kind() {
	case revocation.JTI:
		return nil
	case revocation.SID:
		return record.EndSession{ID: first, At: now}
	case revocation.GID:
		return record.EndGrant{ID: first, At: now}
	case revocation.KID:
		if what.Root != nil {
			return record.DropRoot{KeyID: what.Root.KeyID}
		}
		return record.MoveKey{
			KID: first, From: what.Key.Status, To: record.KeyCompromised, SignsFrom: what.Key.SignsFrom, PublishedUntil: now,
		}
	}
	if what.KeepRow {
		return nil
	}
	switch what.Target.Kind() {
	case revocation.Sub:
		return record.CutUser{UserID: first, Subs: what.Subs}
	case revocation.Client:
		return record.CutClient{ClientID: first}
	case revocation.Consent:
		return record.CutConsent{UserID: first, ClientID: second, At: now}
	case revocation.Aud:
		return record.CutResource{Aud: first}
	case revocation.All:
		return record.CutAll{}
	}
	panic("decide: nothing ends by " + what.Target.Kind().String())
}

// endEvents are the audit trail's words for what ended.
var endEvents = map[revocation.Kind]string{
	revocation.JTI:     "token_ended",
	revocation.SID:     "session_ended",
	revocation.GID:     "grant_ended",
	revocation.KID:     "key_compromised",
	revocation.Sub:     "user_cut",
	revocation.Client:  "client_cut",
	revocation.Consent: "consent_ended",
	revocation.Aud:     "resource_cut",
	revocation.All:     "all_cut",
}

func endAudit(what Ending, env Env) record.Audit {
	row := record.Audit{
		Event:    endEvents[what.Target.Kind()],
		Actor:    what.Actor,
		UserID:   what.UserID,
		ClientID: what.ClientID,
		Detail:   what.Reason + ": " + what.Target.String(),
	}
	switch what.Target.Kind() {
	case revocation.GID:
		row.GID = what.Target.Part(0)
	case revocation.Sub:
		row.UserID = what.Target.Part(0)
	case revocation.Client:
		row.ClientID = what.Target.Part(0)
	case revocation.Consent:
		row.UserID, row.ClientID = what.Target.Part(0), what.Target.Part(1)
	}
	return audited(row, env)
}

// audited dates an audit row and gives it its id, drawn from what the row says: no
// plan holds the same row twice.
func audited(row record.Audit, env Env) record.Audit {
	row.At = env.Now
	row.ID = AuditID(env, row.Event+"\x00"+row.Actor+"\x00"+row.UserID+"\x00"+row.ClientID+"\x00"+row.GID+"\x00"+row.Detail)
	return row
}

// AuditID is the id of an audit row: the time, so that rows are stored and listed
// in its order, and what is drawn for the row's text.
func AuditID(env Env, text string) string {
	return fmt.Sprintf("%012x", env.Now) + env.Seed.ID("audit\x00"+text)
}
