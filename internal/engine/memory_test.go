package engine

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/store"
)

// estate is a household whose access tokens are held against the rows that they
// hang from.
type estate struct {
	*lab
	*household
	tokens []decide.Presented
	ended  map[string]bool // access tokens that were ended alone: no row says it
	userAt int64           // the clock when the user's live tokens were ended and no row was cut
}

// newEstate settles in, and sees to it that what all estates share is there.
func (l *lab) newEstate() *estate {
	l.Helper()
	for _, id := range []string{labApp, labSite, labGateway} {
		if row, err := l.store.Client(l.Context(), id); err != nil || row == nil {
			i := slices.IndexFunc(labClients(), func(c record.Change) bool { return c.(record.PutClient).Client.ID == id })
			l.commit(labClients()[i])
		}
		l.must(l.EnableClient(l.Context(), id))
	}
	if row, err := l.store.Resource(l.Context(), labAPI); err != nil || row == nil {
		l.commit(record.PutResource{Resource: record.Resource{
			Aud: labAPI, Version: 1, Settings: record.ResourceSettings{Scopes: []string{"api:read"}},
		}})
	}
	e := &estate{
		lab: l, household: newHousehold(l.lc(), l.env().Now, cheapHash(oldPassword, 1)), ended: map[string]bool{},
	}
	l.commit(e.household.rows()...)
	for _, grant := range []*record.Grant{&e.app, &e.offline, &e.site} {
		e.mint(grant)
	}
	return e
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// mint makes one more access token of a grant, if the grant still does that.
func (e *estate) mint(grant *record.Grant) {
	row, err := e.store.Grant(e.Context(), grant.ID)
	e.must(err)
	text, err := e.minting.Load().Roots.Derive(grant.ID, row.Gen)
	e.must(err)
	if signed, refused := e.Token(e.Context(), refreshRequest(grant.ClientID, text)); refused == nil {
		e.tokens = append(e.tokens, e.open(signed.Access))
	}
}

// asRows is everything above a token, as the rows say it.
func (e *estate) asRows(t *record.VerifiedToken) *record.TokenState {
	ctx := e.Context()
	get := func(err error) { e.Helper(); e.must(err) }
	head, err := e.store.Head(ctx)
	get(err)
	st := &record.TokenState{ClientState: record.ClientState{LC: head.LC, AllCut: head.AllCut, Resources: map[string]*record.Resource{}}}
	p := &st.Parents
	p.LC, p.AllCut, p.UserID, p.ClientID, p.SID, p.GID = head.LC, head.AllCut, t.Subject, t.ClientID, t.SID, t.GID
	st.Client, err = e.store.Client(ctx, labGateway)
	get(err)
	st.Subject, err = e.store.Client(ctx, t.ClientID)
	get(err)
	if st.Subject != nil {
		p.ClientEnabled, p.ClientCut = st.Subject.Enabled, st.Subject.Cut
	}
	if st.User, err = e.store.User(ctx, t.Subject); st.User != nil {
		p.UserStatus, p.UserCut = st.User.Status, max(st.User.Cut, e.userAt)
	}
	get(err)
	consents, err := e.store.ConsentList(ctx, t.Subject)
	get(err)
	for _, c := range consents {
		if c.ClientID == t.ClientID {
			p.ConsentCut = c.Cut
		}
	}
	for _, aud := range t.Audience {
		row, err := e.store.Resource(ctx, aud)
		get(err)
		if row != nil {
			st.Resources[aud], p.ResourceCuts = row, append(p.ResourceCuts, row.Cut)
		}
	}
	e.containers(t, p)
	return st
}

func (e *estate) containers(t *record.VerifiedToken, p *record.Parents) {
	if t.SID != "" {
		session, err := e.store.Session(e.Context(), t.SID)
		e.must(err)
		p.SessionEndedAt, p.SessionIdleUntil, p.SessionAbsUntil = session.EndedAt, session.IdleUntil, session.AbsUntil
	}
	grant, err := e.store.Grant(e.Context(), t.GID)
	e.must(err)
	p.GrantEndedAt, p.JTIRevoked = grant.EndedAt, e.ended[t.JTI]
	p.KeyStatus = e.statusOf(t.KID)
}

// statusOf is the status of a signing key, or of a root of opaque tokens: that is
// there and seals, or was destroyed.
func (e *estate) statusOf(kid string) record.KeyStatus {
	keys, err := e.store.Keys(e.Context())
	e.must(err)
	if i := slices.IndexFunc(keys, func(k record.SigningKey) bool { return k.KID == kid }); i >= 0 {
		return keys[i].Status
	}
	roots, err := e.store.Roots(e.Context())
	e.must(err)
	if slices.ContainsFunc(roots, func(r record.SealedRoot) bool { return record.AccessRootKID(r.KeyID) == kid }) {
		return record.KeyActive
	}
	return record.KeyCompromised
}

// compare holds every token's fate by memory to its fate by the rows.
func (e *estate) compare(t *rapid.T, after string) {
	req := &oauth.IntrospectionRequest{Credentials: credentials(labGateway)}
	active := func(tok decide.Presented, st *record.TokenState) bool {
		answer := decide.Introspect(req, tok, st, e.env())
		return answer.Err == nil && answer.Answer.Active
	}
	for i, tok := range e.tokens {
		rows := e.asRows(tok.Access)
		for _, withUser := range []bool{false, true} {
			memory, err := e.store.TokenState(e.Context(), store.TokenQuery{
				CallerID: labGateway, Token: tok.Access, Resources: tok.Access.Audience, WithUser: withUser,
			})
			e.must(err)
			if got, want := active(tok, memory), active(tok, rows); got != want {
				t.Fatalf("after %s, token %d of %d: by memory %v, by the rows %v\nmemory %+v\nrows %+v",
					after, i, len(e.tokens), got, want, memory.Parents, rows.Parents)
			}
			if diff := cmp.Diff(rows.User, memory.User); withUser && diff != "" {
				t.Fatalf("after %s the user is another (-rows +memory):\n%s", after, diff)
			}
		}
	}
}

// acts are all that can happen to what an access token hangs from. What cannot be
// done any more is refused, and changes nothing.
func (e *estate) acts() map[string]func(t *rapid.T) {
	ctx, sub := e.Context(), e.user.ID
	one := func(t *rapid.T) *record.VerifiedToken { return rapid.SampledFrom(e.tokens).Draw(t, "token").Access }
	revoke := func(kind string, ids func(*record.VerifiedToken) []string) func(*rapid.T) {
		return func(t *rapid.T) {
			_, _ = e.RevokeFor(ctx, RevocationOrder{Kind: kind, IDs: ids(one(t)), Reason: "test"})
		}
	}
	do := func(act func() error) func(*rapid.T) { return func(*rapid.T) { _ = act() } }
	return map[string]func(*rapid.T){
		"mint": func(t *rapid.T) {
			e.mint(rapid.SampledFrom([]*record.Grant{&e.app, &e.offline, &e.site}).Draw(t, "grant"))
		},
		"end of a token": func(t *rapid.T) {
			jti := one(t).JTI
			_, err := e.RevokeFor(ctx, RevocationOrder{Kind: "token", IDs: []string{jti}, Reason: "test"})
			e.must(err)
			e.ended[jti] = true
		},
		"end of live tokens alone": func(*rapid.T) {
			_, err := e.RevokeFor(ctx, RevocationOrder{Kind: "user", IDs: []string{sub}, Reason: "test", KeepSignIns: true})
			if err == nil {
				e.userAt = e.lc()
			}
		},
		"revoked session":  revoke("session", func(t *record.VerifiedToken) []string { return []string{e.here.ID} }),
		"revoked grant":    revoke("grant", func(t *record.VerifiedToken) []string { return []string{t.GID} }),
		"revoked user":     revoke("user", func(*record.VerifiedToken) []string { return []string{sub} }),
		"revoked consent":  revoke("consent", func(t *record.VerifiedToken) []string { return []string{sub, t.ClientID} }),
		"revoked client":   revoke("client", func(t *record.VerifiedToken) []string { return []string{t.ClientID} }),
		"revoked audience": revoke("audience", func(*record.VerifiedToken) []string { return []string{labAPI} }),
		"revoked key":      revoke("key", func(t *record.VerifiedToken) []string { return []string{t.KID} }),
		"an emergency": do(func() error {
			return e.turnKeys(ctx, decide.KeysEmergency, decide.ActorAdmin, func([]record.SigningKey) []string { return quickAlgs })
		}),
		"broken glass":     revoke("all", func(*record.VerifiedToken) []string { return nil }),
		"disabled user":    do(func() error { return e.DisableUser(ctx, sub) }),
		"enabled user":     do(func() error { return e.EnableUser(ctx, sub) }),
		"deleted user":     do(func() error { return e.DeleteUser(ctx, sub) }),
		"new password":     do(func() error { _, err := e.SetPassword(ctx, sub, ""); return err }),
		"disabled client":  func(t *rapid.T) { _ = e.DisableClient(ctx, one(t).ClientID) },
		"enabled client":   func(t *rapid.T) { _ = e.EnableClient(ctx, one(t).ClientID) },
		"deleted client":   func(*rapid.T) { _ = e.DeleteClient(ctx, labSite) },
		"deleted resource": do(func() error { return e.DeleteResource(ctx, labAPI) }),
		"made resource": do(func() error {
			_, err := e.CreateResource(ctx, labAPI, record.ResourceSettings{Scopes: []string{"api:read"}})
			return err
		}),
		"signed out": do(func() error { return e.SignOut(ctx, Browser{Session: e.cookies[0]}) }),
		"everywhere": do(func() error { return e.SignOutEverywhere(ctx, Browser{Session: e.cookies[1]}) }),
		"removed app": func(t *rapid.T) {
			_ = e.RemoveApp(ctx, one(t).ClientID, Browser{Session: e.cookies[1]})
		},
		"changed password": do(func() error {
			_, err := e.ChangePassword(ctx, ChangePasswordForm{Current: oldPassword, New: newPassword}, Browser{Session: e.cookies[0]})
			return err
		}),
		"profile": do(func() error {
			user, err := e.UserByID(ctx, sub)
			if err != nil {
				return err
			}
			profile := profileOf(user)
			profile.Claims.Name += "!"
			_, err = e.UpdateUser(ctx, sub, *profile, user.Version)
			return err
		}),
		"replay": func(*rapid.T) {
			if text, err := e.minting.Load().Roots.Derive(e.app.ID, 0); err == nil {
				_ = refusal(e.Token(ctx, refreshRequest(labApp, text)))
			}
		},
		"the last day of the log": do(func() error { _, err := e.Advance(ctx, 25*time.Hour); return err }),
	}
}

// What memory says of a token is what all its rows say, after whatever happened in
// whatever order: nothing ends a token that leaves no entry (tokens.md I3, I5, I9).
func TestMemoryAnswersAsTheRowsDo(t *testing.T) {
	l := newLabWithoutEngine(t)
	config := l.config(l.kek)
	config.TestMode = true
	engine, err := Open(t.Context(), config)
	l.must(err)
	t.Cleanup(engine.Close)
	l.Engine = engine
	<-l.keys.ready
	lived, died := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		e := l.newEstate()
		acts := e.acts()
		names := slices.Sorted(func(yield func(string) bool) {
			for name := range acts {
				if !yield(name) {
					return
				}
			}
		})
		e.compare(t, "nothing")
		for i := range rapid.IntRange(1, 12).Draw(t, "acts") {
			name := rapid.SampledFrom(names).Draw(t, "act")
			acts[name](t)
			e.compare(t, fmt.Sprintf("%d acts, the last of which was %s", i+1, name))
		}
		for _, tok := range e.tokens {
			if reason := decide.Alive(tok.Access.RVS, &e.asRows(tok.Access).Parents, l.env().Now); reason == "" {
				lived++
			} else {
				died++
			}
		}
	})
	if lived == 0 || died == 0 {
		t.Errorf("%d tokens lived, %d died", lived, died)
	}
}

// tokens.md, part 3, promise 1: what was acknowledged to be revoked is refused by
// whoever asks afterwards, however many others ask and revoke at the time.
func TestARevocationIsRefusedByTheNextIntrospection(t *testing.T) {
	l := newLab(t)
	h := l.settleIn()
	text, err := l.minting.Load().Roots.Derive(h.site.ID, h.site.Gen)
	l.must(err)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				signed, refused := l.Token(t.Context(), refreshRequest(labSite, text))
				if refused != nil {
					t.Error(refused)
					return
				}
				ask := &oauth.IntrospectionRequest{Credentials: credentials(labGateway), Token: signed.Access}
				if answer, refused := l.Introspect(t.Context(), ask); refused != nil || !answer.Active {
					t.Errorf("it lives, and is said to be %v: %v", answer.Active, refused)
				}
				if refused := l.Revoke(t.Context(), &oauth.RevocationRequest{Credentials: credentials(labSite), Token: signed.Access}); refused != nil {
					t.Error(refused)
				}
				if answer, refused := l.Introspect(t.Context(), ask); refused != nil || answer.Active {
					t.Errorf("it was revoked, and is said to be %v: %v", answer.Active, refused)
				}
			}
		})
	}
	all.Wait()
}

// Memory answers nothing by itself: without the database's head a token that was
// active a moment ago is neither active nor inactive.
func TestWithoutTheDatabaseMemorySaysNothing(t *testing.T) {
	l := newLab(t)
	h := l.settleIn()
	text, err := l.minting.Load().Roots.Derive(h.site.ID, h.site.Gen)
	l.must(err)
	signed, refused := l.Token(t.Context(), refreshRequest(labSite, text))
	if refused != nil {
		t.Fatal(refused)
	}
	ask := &oauth.IntrospectionRequest{Credentials: credentials(labGateway), Token: signed.Access}
	if answer, refused := l.Introspect(t.Context(), ask); refused != nil || !answer.Active {
		t.Fatalf("%+v, %v", answer, refused)
	}
	l.must(l.store.Close())
	answer, refused := l.Introspect(t.Context(), ask)
	if refused == nil || refused.Status() != 503 || refused.RetryAfter == 0 || answer.Active {
		t.Errorf("%+v, %v", answer, refused)
	}
}
