package decide

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// SubjectFor is the sub by which a client knows a user: the user's id, or for a
// client with pairwise subjects one that is its sector's own (OpenID Connect Core
// §8). Whatever names a user to a client asks it: ID and access tokens, userinfo,
// introspection, hints, logout tokens, and the revocation log for what it ends.
func (env Env) SubjectFor(client *record.Client, userID string) string {
	if client == nil || client.Sector == "" {
		return userID
	}
	return env.Pairwise.Subject(client.Sector, userID)
}

// UserOf is the user whom a client knows by a sub; of none that exists if the sub
// is made up.
func (env Env) UserOf(client *record.Client, sub string) string {
	if client == nil || client.Sector == "" {
		return sub
	}
	return env.Pairwise.User(client.Sector, sub)
}

// giveSubject notes a sub that a user has not been given before, in the plan that
// gives the code: when a token first carries it, all that ends the user ends it too
// (tokens.md, part 2).
func giveSubject(client *record.Client, user *record.User, env Env) []record.Change {
	sub := env.SubjectFor(client, user.ID)
	if sub == user.ID || slices.Contains(user.Subs, sub) {
		return nil
	}
	return []record.Change{record.GiveSubject{UserID: user.ID, Sub: sub, Had: user.Subs}}
}

// alsoKnown are the targets by which tokens that name the user otherwise are hit
// together with one: a user by every sub, a consent by that of its client.
func (what *Ending) alsoKnown(env Env) []revocation.Target {
	var also []revocation.Target
	switch what.Target.Kind() {
	case revocation.Sub:
		for _, sub := range what.Subs {
			also = append(also, revocation.ForSub(sub))
		}
	case revocation.Consent:
		userID := what.Target.Part(0)
		if sub := env.SubjectFor(what.Client, userID); sub != userID {
			also = append(also, revocation.ForConsent(sub, what.Target.Part(1)))
		}
	case revocation.JTI, revocation.SID, revocation.GID, revocation.KID, revocation.Client, revocation.Aud, revocation.All:
		// They name no user.
	}
	return also
}
