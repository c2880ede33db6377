package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/store"
)

// RevocationOrder is what an administrator wants to end, and why.
type RevocationOrder struct {
	Kind   string   // user, session, grant, consent, client, token, key, audience or all
	IDs    []string // what names it: nothing for all, a sub and a client_id for a consent, else one
	Reason string   // for the log and the audit trail, in the administrator's words
	DryRun bool     // only say what would end
	// KeepSignIns ends only the live access tokens of a user: applications get new
	// ones, which say what is true now.
	KeepSignIns bool
}

// Revoked is what a revocation ended, or would end.
type Revoked struct {
	Already  bool // it had ended before: nothing was written
	Again    bool // it had been cut before, and is cut again for what was minted since
	Sessions int  // that live and would end; counted in a dry run alone
	Grants   int
	More     bool // there are more of either than were counted
	// Clients are those of the grants, in alphabetical order.
	Clients []string
}

// mostCounted bounds what a dry run looks at.
const mostCounted = 10_000

// aim is what an order comes to.
type aim struct {
	target  revocation.Target
	about   decide.Ending // what the audit row says of it
	already bool
	key     *record.SigningKey

	sessions func(*ManagedSession) bool // those that would end; nil: none
	grants   func(*ManagedGrant) bool
	user     string // narrows both, where there is one
	client   string // narrows the grants
}

// RevokeFor ends what an administrator names. Whatever was minted before this
// returns is refused from now on.
func (e *Engine) RevokeFor(ctx context.Context, order RevocationOrder) (Revoked, error) {
	if err := order.check(); err != nil {
		return Revoked{}, err
	}
	for range maxAttempts {
		what, err := e.aimAt(ctx, order)
		var again bool
		if err == nil && !what.already {
			again, err = e.store.HasEntry(ctx, what.target)
		}
		switch {
		case err != nil:
			return Revoked{}, refusalOf(err)
		case what.already:
			return Revoked{Already: true}, nil
		case order.DryRun:
			counted, err := e.count(ctx, &what)
			counted.Again = again
			return counted, refusalOf(err)
		case what.key != nil:
			err = e.endKey(ctx, what.key, order.Reason)
		default:
			what.about.Target, what.about.Reason, what.about.Actor = what.target, order.Reason, actorOf(ctx)
			err = e.commit(ctx, decide.End(what.about, e.env()))
		}
		switch {
		case err == nil:
			return Revoked{Again: again}, nil
		case !errors.Is(err, store.ErrConflict):
			return Revoked{}, refusalOf(err)
		}
	}
	return Revoked{}, &Refusal{Kind: Conflict}
}

// idsOf is how many ids name a thing of a kind.
var idsOf = map[string]int{
	"user": 1, "session": 1, "grant": 1, "consent": 2, "client": 1, "token": 1, "key": 1, "audience": 1, "all": 0,
}

func (o *RevocationOrder) check() error {
	var wrong problems
	n, known := idsOf[o.Kind]
	switch {
	case !known:
		wrong.add("kind", "is one of user, session, grant, consent, client, token, key, audience, all")
	case len(o.IDs) != n || slices.Contains(o.IDs, ""):
		wrong.add("ids", "are %d for the kind %s", n, o.Kind)
	}
	if o.KeepSignIns && o.Kind != "user" {
		wrong.add("keep_sign_ins", "is for the kind user")
	}
	wrong.name("reason", o.Reason)
	return wrong.refusal()
}

// aimAt loads what an order names.
func (e *Engine) aimAt(ctx context.Context, o RevocationOrder) (aim, error) {
	every := func(*ManagedGrant) bool { return true }
	switch o.Kind {
	case "user":
		return e.aimAtUser(ctx, o.IDs[0], o.KeepSignIns)
	case "session":
		return e.aimAtSession(ctx, o.IDs[0])
	case "grant":
		return e.aimAtGrant(ctx, o.IDs[0])
	case "consent":
		return e.aimAtConsent(ctx, o.IDs[0], o.IDs[1])
	case "client":
		_, err := found(e.store.Client(ctx, o.IDs[0]))
		return aim{target: revocation.ForClient(o.IDs[0]), client: o.IDs[0], grants: every}, err
	case "audience":
		_, err := found(e.store.Resource(ctx, o.IDs[0]))
		return aim{target: revocation.ForAud(o.IDs[0]), grants: func(g *ManagedGrant) bool {
			return slices.Contains(g.Resources, o.IDs[0])
		}}, err
	case "token":
		return e.aimAtToken(ctx, o.IDs[0])
	case "key":
		return e.aimAtKey(ctx, o.IDs[0])
	}
	return aim{target: revocation.ForAll(), grants: every, sessions: func(*ManagedSession) bool { return true }}, nil
}

func (e *Engine) aimAtUser(ctx context.Context, sub string, keepSignIns bool) (aim, error) {
	row, err := found(e.store.User(ctx, sub))
	if err != nil {
		return aim{}, err
	}
	what := aim{target: revocation.ForSub(sub), about: decide.Ending{Subs: row.Subs, KeepRow: keepSignIns}, user: sub}
	if !keepSignIns {
		what.grants = func(*ManagedGrant) bool { return true }
		what.sessions = func(*ManagedSession) bool { return true }
	}
	return what, nil
}

func (e *Engine) aimAtSession(ctx context.Context, sid string) (aim, error) {
	row, err := found(e.store.Session(ctx, sid))
	if err != nil {
		return aim{}, err
	}
	return aim{
		target: revocation.ForSID(sid), about: decide.Ending{UserID: row.UserID}, already: row.EndedAt != 0, user: row.UserID,
		sessions: func(s *ManagedSession) bool { return s.ID == sid },
		grants:   func(g *ManagedGrant) bool { return g.SID == sid },
	}, nil
}

func (e *Engine) aimAtGrant(ctx context.Context, gid string) (aim, error) {
	row, err := found(e.store.Grant(ctx, gid))
	if err != nil {
		return aim{}, err
	}
	return aim{
		target: revocation.ForGID(gid), about: decide.Ending{UserID: row.UserID, ClientID: row.ClientID},
		already: row.EndedAt != 0, user: row.UserID, client: row.ClientID,
		grants: func(g *ManagedGrant) bool { return g.ID == gid },
	}, nil
}

func (e *Engine) aimAtConsent(ctx context.Context, userID, clientID string) (aim, error) {
	if _, err := found(e.store.User(ctx, userID)); err != nil {
		return aim{}, err
	}
	client, err := found(e.store.Client(ctx, clientID)) // a first-party client has tokens without a consent's row
	if err != nil {
		return aim{}, err
	}
	return aim{
		target: revocation.ForConsent(userID, clientID), about: decide.Ending{Client: client},
		user: userID, client: clientID, grants: func(*ManagedGrant) bool { return true },
	}, nil
}

// aimAtToken takes a token of ours, or the jti of an access token. A refresh token
// stands for its grant, as at the revocation endpoint.
func (e *Engine) aimAtToken(ctx context.Context, text string) (aim, error) {
	tok := e.open(text)
	switch {
	case tok.Refresh != nil && tok.Reason == "":
		return e.aimAtGrant(ctx, tok.Refresh.GID)
	case tok.Access != nil:
		text = tok.Access.JTI
	case !isID(text):
		return aim{}, invalid("ids", "a token is one of this server's, or the jti of an access token")
	}
	st, err := e.store.TokenState(ctx, store.TokenQuery{Token: &record.VerifiedToken{JTI: text}})
	if err != nil {
		return aim{}, err
	}
	what := aim{target: revocation.ForJTI(text), already: st.Parents.JTIRevoked}
	if tok.Access != nil {
		what.about.ClientID = tok.Access.ClientID
		if tok.Access.Subject != tok.Access.ClientID {
			client, err := e.store.Client(ctx, tok.Access.ClientID)
			if err != nil {
				return aim{}, err
			}
			what.about.UserID = e.env().UserOf(client, tok.Access.Subject)
		}
	}
	return what, nil
}

// isID reports whether a text is an identifier of ours: 16 bytes in base64url.
func isID(text string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == 16
}

func (e *Engine) aimAtKey(ctx context.Context, kid string) (aim, error) {
	keys, err := e.store.Keys(ctx)
	if err != nil {
		return aim{}, err
	}
	i := slices.IndexFunc(keys, func(k record.SigningKey) bool { return k.KID == kid })
	if i < 0 {
		return aim{}, &Refusal{Kind: NotFound}
	}
	return aim{target: revocation.ForKID(kid), key: &keys[i], already: keys[i].Status == record.KeyCompromised}, nil
}

// endKey takes one key out of use, and lets the next of its kind sign before this
// returns.
func (e *Engine) endKey(ctx context.Context, key *record.SigningKey, reason string) error {
	e.keys.mu.Lock()
	defer e.keys.mu.Unlock()
	rows, err := e.store.Keys(ctx)
	if err != nil {
		return err
	}
	plan := decide.KeyPlan{Keys: rows, Use: key.Use, Algs: []string{key.Alg}, Turn: decide.KeysOnSchedule, Actor: actorOf(ctx)}
	env := e.env()
	fresh, err := e.freshKeys(decide.KeyEnded(key.KID, plan), env)
	if err != nil {
		return err
	}
	if err := e.commit(ctx, decide.EndKey(key, plan, fresh, reason, env)); err != nil {
		return fmt.Errorf("ending a key: %w", err)
	}
	return e.loadRing(ctx)
}

// count says what lives and would end.
func (e *Engine) count(ctx context.Context, what *aim) (Revoked, error) {
	var r Revoked
	var err error
	if what.sessions != nil {
		r.Sessions, r.More, err = countAlive(func(after string) ([]ManagedSession, string, error) {
			return e.SessionPage(ctx, what.user, after)
		}, func(s *ManagedSession) (oauth.Reason, bool) { return s.Dead, what.sessions(s) })
	}
	if err == nil && what.grants != nil {
		var more bool
		clients := map[string]bool{}
		r.Grants, more, err = countAlive(func(after string) ([]ManagedGrant, string, error) {
			return e.GrantPage(ctx, what.user, what.client, after)
		}, func(g *ManagedGrant) (oauth.Reason, bool) {
			concerned := what.grants(g)
			if concerned && g.Dead == "" {
				clients[g.ClientID] = true
			}
			return g.Dead, concerned
		})
		r.More = r.More || more
		r.Clients = slices.Sorted(maps.Keys(clients))
	}
	return r, err
}

func countAlive[R any](
	page func(after string) ([]R, string, error), judge func(*R) (dead oauth.Reason, concerned bool),
) (n int, more bool, err error) {
	looked := 0
	for after := ""; ; {
		rows, next, err := page(after)
		if err != nil {
			return 0, false, err
		}
		for i := range rows {
			if dead, concerned := judge(&rows[i]); dead == "" && concerned {
				n++
			}
		}
		looked += len(rows)
		if next == "" || looked >= mostCounted {
			return n, next != "", nil
		}
		after = next
	}
}
