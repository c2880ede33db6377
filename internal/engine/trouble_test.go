package engine

import (
	"context"
	"errors"
	"testing"

	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/store"
)

// It signs before it commits: whoever got no token has lost nothing by it.
func TestASignerThatFailsSpendsNothing(t *testing.T) {
	l := newLab(t)
	<-l.keys.ready
	h := l.settleIn()
	token, err := l.minting.Load().Roots.Derive(h.app.ID, h.app.Gen)
	if err != nil {
		t.Fatal(err)
	}
	requests := []*oauth.TokenRequest{exchangeRequest(labApp, h.codes[0]), refreshRequest(labApp, token)}

	l.keys.mu.Lock() // or a turn of the keys loads them anew
	defer l.keys.mu.Unlock()
	whole := l.minting.Load()
	without := *whole
	without.Ring = &mint.Ring{}
	l.minting.Store(&without)
	for _, req := range requests {
		signed, err := l.Token(t.Context(), req)
		if err == nil || err.Reason != oauth.ReasonSignerFailed || !errors.Is(err, mint.ErrNoKey) || signed != (record.SignedTokens{}) {
			t.Errorf("%s without a key gave %+v, %v", req.GrantType, signed, err)
		}
	}
	if grant, err := l.store.Grant(t.Context(), h.app.ID); err != nil || grant.Gen != h.app.Gen {
		t.Errorf("the grant stands at %+v: %v", grant, err)
	}
	if grant, err := l.store.Grant(t.Context(), h.code.GID); err != nil || grant != nil {
		t.Errorf("the code has given %+v: %v", grant, err)
	}

	l.minting.Store(whole)
	for _, req := range requests {
		if _, err := l.Token(t.Context(), req); err != nil {
			t.Errorf("%s after the trouble was refused: %v", req.GrantType, err)
		}
	}
}

// A key that is not there may be one that is being made; nobody waits for it
// longer than the request lasts.
func TestWaitingForAKeyEndsWithTheRequest(t *testing.T) {
	e := &Engine{}
	e.keys.ready = make(chan struct{}) // never closed
	e.minting.Store(&mint.Mint{Issuer: labIssuer, Ring: &mint.Ring{}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	facts := &record.AccessFacts{Profile: record.StandardProfile, Alg: mint.RS256}
	if _, err := e.sign(ctx, &record.Tokens{Access: facts}); !errors.Is(err, context.Canceled) {
		t.Errorf("it gave %v", err)
	}
}

// A client that hears invalid_grant throws its sign-in away, and a browser that
// hears login_required its session: trouble of ours is neither.
func TestTroubleWithTheDatabaseIsNobodyElsesFault(t *testing.T) {
	l := newLab(t)
	h := l.settleIn()
	token, err := l.minting.Load().Roots.Derive(h.site.ID, h.site.Gen)
	if err != nil {
		t.Fatal(err)
	}
	access, refused := l.Token(t.Context(), refreshRequest(labSite, token))
	if refused != nil {
		t.Fatal(refused)
	}
	here := Browser{Session: h.cookies[0], Browser: "browser", Network: "network"}
	site := credentials(labSite)
	change := ChangePasswordForm{Current: oldPassword, New: newPassword}
	if err := l.store.Close(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]*oauth.Error{
		"exchange": refusal(l.Token(t.Context(), exchangeRequest(labApp, h.codes[0]))),
		"refresh":  refusal(l.Token(t.Context(), refreshRequest(labSite, token))),
		"introspection": refusal(l.Introspect(t.Context(),
			&oauth.IntrospectionRequest{Credentials: site, Token: access.Access})),
		"revocation":         l.Revoke(t.Context(), &oauth.RevocationRequest{Credentials: site, Token: token}),
		"userinfo":           refusal(l.Userinfo(t.Context(), access.Access, nil)),
		"authorization":      refusal(l.Authorize(t.Context(), &oauth.AuthorizationRequest{ClientID: labApp}, nil, here)),
		"login page":         refusal(l.LoginPage(t.Context(), "page", here)),
		"login":              refusal(l.Login(t.Context(), LoginForm{Identifier: h.email.Value, Password: oldPassword}, here)),
		"consent":            refusal(l.Consent(t.Context(), "page", ConsentForm{}, here)),
		"logout":             refusal(l.Logout(t.Context(), &oauth.LogoutRequest{}, true, here)),
		"account":            refusal(l.Account(t.Context(), here)),
		"change of password": refusal(l.ChangePassword(t.Context(), change, here)),
		"end of a session":   l.EndOwnSession(t.Context(), h.there.ID, here),
		"removal of an app":  l.RemoveApp(t.Context(), labApp, here),
		"sign-out":           l.SignOut(t.Context(), here),
		"everywhere":         l.SignOutEverywhere(t.Context(), here),
		"setup":              l.SetupOpen(t.Context(), "token"),
	} {
		if err == nil || err.Reason != oauth.ReasonDatabaseUnavailable || err.Status() != 503 || err.RetryAfter == 0 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s does not say to the log what happened: %v", name, err)
		}
	}
	if err := l.Ready(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("it is ready: %v", err)
	}
}

func refusal[A any](_ A, err *oauth.Error) *oauth.Error { return err }

// A decision that conflicts each time is given up as trouble of ours, and what it
// decided is not the answer.
func TestAConflictThatPersistsIsAnsweredInTheEnd(t *testing.T) {
	l := newLab(t)
	h := l.settleIn()
	token, err := l.minting.Load().Roots.Derive(h.app.ID, h.app.Gen)
	if err != nil {
		t.Fatal(err)
	}
	var signed record.SignedTokens
	j := l.refresh(refreshRequest(labApp, token), &signed)
	loads := 0
	j.load = func(context.Context) (*record.RefreshState, error) {
		loads++
		st, err := l.store.RefreshState(t.Context(), h.app.ID, labApp)
		if err == nil { // and somebody else is always faster
			l.commit(record.RotateGrant{ID: h.app.ID, From: st.Grant.Gen, At: st.Grant.RotatedAt, IdleUntil: st.Grant.IdleUntil})
			st.Grant.Gen = h.app.Gen
		}
		return st, err
	}
	answer, refused := run(t.Context(), l.Engine, j)
	if refused == nil || refused.Reason != oauth.ReasonConflictPersists || refused.Status() != 503 || loads != maxAttempts {
		t.Errorf("after %d loads the answer is %v", loads, refused)
	}
	if answer != (record.Tokens{}) {
		t.Errorf("it was given %+v", answer)
	}
}
