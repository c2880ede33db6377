package decide

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// recentSignIn is how long ago somebody may have signed in who changes the ways in
// which they sign in (ASVS 7.5.1).
const recentSignIn = 15 * minute

// SignedInLately reports whether a session's user has proven who they are so short a
// time ago that they may change how they do it.
func SignedInLately(s *record.Session, now int64) bool { return now-s.AuthTime < recentSignIn }

// linking decides whether the browser's session may link a foreign account: it is
// alive, and its user has signed in lately. That is the proof of this account; the trip
// is that of the other (ASVS 6.8.1).
func linking(st *record.ArrivalState, env Env) *oauth.Error {
	if st.Current == nil || Alive(st.Current.RVS, &st.CurrentParents, env.Now) != "" {
		return oauth.Refuse(oauth.ReasonLoginRequired)
	}
	if !SignedInLately(st.Current, env.Now) {
		return oauth.Refuse(oauth.ReasonSignInNotRecent)
	}
	return nil
}

// DepartToLink is Depart for whoever is signed in and wants to link an account there.
func DepartToLink(by Browser, st *record.ArrivalState, env Env) Outcome[Departure] {
	if err := linking(st, env); err != nil {
		return refuse[Departure](err)
	}
	out := Depart("", by, st, env)
	if out.Err != nil {
		return out
	}
	// What is proven there is whose account it is, not when its user signed in.
	out.Answer.Trip.Link, out.Answer.Trip.MaxAge = st.Current.ID, nil
	out.Answer.Params = slices.DeleteFunc(out.Answer.Params, func(p oauth.Param) bool { return p.Name == "prompt" || p.Name == "max_age" })
	return out
}

// stillLinking decides whether the session that began a trip is the one that ends it.
func stillLinking(trip *Trip, st *record.ArrivalState, env Env) *oauth.Error {
	if st.Current == nil || st.Current.ID != trip.Link || Alive(st.Current.RVS, &st.CurrentParents, env.Now) != "" {
		return oauth.Refuse(oauth.ReasonLoginRequired)
	}
	return nil
}

// ArriveToLink links a foreign account that was proven to the user of the session that
// asked for it. One that is another user's stays theirs.
func ArriveToLink(a Arrival, by Browser, st *record.ArrivalState, env Env) Outcome[LoginAnswer] {
	if err := stillLinking(a.Trip, st, env); err != nil {
		return refuse[LoginAnswer](err)
	}
	who, userID := &a.Who, st.Current.UserID
	switch {
	case st.Upstream == nil || st.Upstream.Settings.Issuer != who.Issuer:
		return refuse[LoginAnswer](oauth.Refuse(oauth.ReasonUpstreamUnknown))
	case st.User != nil && st.User.ID != userID:
		return ArriveFailed(a, oauth.Refuse(oauth.ReasonForeignAccountLinked), by, st, env)
	case st.User != nil:
		return Outcome[LoginAnswer]{} // it is theirs already
	}
	return Outcome[LoginAnswer]{Changes: []record.Change{
		record.PutLink{Link: record.Link{
			ID: env.Seed.ID("link"), Issuer: who.Issuer, Subject: who.Subject, UserID: userID, MadeAt: env.Now,
		}},
		audited(record.Audit{Event: "account_linked", Actor: ActorUser(userID), UserID: userID, Detail: "upstream " + st.Upstream.ID}, env),
	}}
}

// Unlink takes a foreign account from its user, by their own wish and after they have
// signed in lately; the last way in stays. As with a change of password all else that
// is signed in ends (ASVS 7.4.3), and the session that asks lives on.
func Unlink(linkID string, st *record.LinksState, env Env) Outcome[struct{}] {
	if err := signedIn(&st.SessionState, env.Now); err != nil {
		return refuse[struct{}](err)
	}
	if !SignedInLately(st.Session, env.Now) {
		return refuse[struct{}](oauth.Refuse(oauth.ReasonSignInNotRecent))
	}
	at := slices.IndexFunc(st.Links, func(l record.Link) bool { return l.ID == linkID })
	if at < 0 {
		return Outcome[struct{}]{}
	}
	byPassword := st.Password != nil && st.User.Email != nil // one without an address is of no use
	if !byPassword && !otherWay(at, st) {
		return refuse[struct{}](oauth.Refuse(oauth.ReasonLastWayIn))
	}
	changes := []record.Change{
		record.DeleteLink{ID: linkID, UserID: st.User.ID, NotLast: !byPassword},
		audited(record.Audit{Event: "account_unlinked", Actor: ActorUser(st.User.ID), UserID: st.User.ID, Detail: st.Links[at].Issuer}, env),
	}
	changes = append(changes, endEverything(st.User, "account_unlinked", env)...)
	return Outcome[struct{}]{Changes: append(changes, record.MarkSession{ID: st.Session.ID})}
}

// otherWay reports whether another foreign account lets the user in: one whose upstream
// is there.
func otherWay(at int, st *record.LinksState) bool {
	for i := range st.Links {
		there := func(u record.Upstream) bool { return u.Settings.Issuer == st.Links[i].Issuer }
		if i != at && slices.ContainsFunc(st.Upstreams, there) {
			return true
		}
	}
	return false
}

// UnlinkByAdmin takes a foreign account from a user, the last too, and ends all that
// the user has: whoever had that account is out.
func UnlinkByAdmin(user *record.User, link *record.Link, actor string, env Env) []record.Change {
	act := userAct("account_unlinked", actor, user.ID)
	changes := []record.Change{record.DeleteLink{ID: link.ID, UserID: user.ID}}
	what := endingFor(revocation.ForSub(user.ID), act)
	what.Subs = user.Subs
	act.Detail = link.Issuer
	return append(append(changes, audited(act, env)), End(what, env)...)
}
