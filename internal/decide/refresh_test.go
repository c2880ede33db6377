package decide

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// refreshGID has the form of a generated identifier.
const refreshGID = "AAAAAAAAAAAAAAAAAAAAAA"

func tokenGrant() *record.Grant {
	return &record.Grant{
		ID: refreshGID, UserID: "ana", ClientID: "shop", SID: "session",
		Scope: []string{"openid", "orders:read"}, Resources: []string{tokenAPI},
		Facts: tokenFacts(), RVS: tokenLC - 100, MadeAt: tokenNow - hour,
		Gen: 5, RotatedAt: tokenNow - minute,
		IdleUntil: tokenNow + 24*hour, AbsUntil: tokenNow + 48*hour,
	}
}

// refreshCase is a request, the state it meets and the moment.
type refreshCase struct {
	req       oauth.TokenRequest
	presented PresentedRefresh
	st        record.RefreshState
	env       Env
}

func newRefresh(client *record.Client, generation int64) *refreshCase {
	c := &refreshCase{
		req:       oauth.TokenRequest{Credentials: tokenCredentials(client), GrantType: oauth.GrantRefreshToken},
		presented: PresentedRefresh{Token: secret.Refresh{GID: refreshGID, Generation: generation}},
		st:        record.RefreshState{ClientState: tokenClientState(client), Grant: tokenGrant(), Parents: tokenParents()},
		env:       tokenEnv(),
	}
	c.st.Parents.GID = refreshGID
	return c
}

func (c *refreshCase) run() Outcome[record.Tokens] { return Refresh(&c.req, c.presented, &c.st, c.env) }

func refreshReplay(reason oauth.Reason) []record.Change {
	return tokenEnding(revocation.ForGID(refreshGID), string(reason), "server",
		record.EndGrant{ID: refreshGID, At: tokenNow},
		record.Audit{Event: "grant_ended", UserID: "ana", ClientID: "shop", GID: refreshGID})
}

// The rules of tokens.md, part 4, steps 2 to 5, for a grant that stands at
// generation 5 and got there a minute ago, outside the retry window of 30 s.
func TestTheNextGenerationFollowsFromThePresentedOne(t *testing.T) {
	// Idle for 30 days at most, but not beyond the absolute lifetime.
	rotated := record.RotateGrant{ID: refreshGID, From: 5, At: tokenNow, IdleUntil: tokenNow + 48*hour}
	late := func(wasGen, wasRun, run int64) []record.Change {
		return []record.Change{record.NoteLate{ID: refreshGID, Gen: 5, WasGen: wasGen, WasRun: wasRun, LateGen: 5, LateRun: run}}
	}
	window := func(seconds int64) func(c *refreshCase) {
		return func(c *refreshCase) { c.st.Client.Settings.RetryWindow = &seconds }
	}
	lateBefore := func(gen, run int64) func(c *refreshCase) {
		return func(c *refreshCase) { c.st.Grant.LateGen, c.st.Grant.LateRun = gen, run }
	}
	cases := []struct {
		name      string
		presented int64
		change    func(c *refreshCase)
		next      int64
		changes   []record.Change
		reason    oauth.Reason
	}{
		{"2: the current one rotates", 5, nil, 6, []record.Change{rotated}, ""},
		{"2: rotation does not touch the count of late ones", 5, lateBefore(4, 2), 6, []record.Change{rotated}, ""},
		{"3a: the predecessor in the window gets the same successor", 4, func(c *refreshCase) { c.st.Grant.RotatedAt = tokenNow - 29_999 }, 5, nil, ""},
		{"3a: on a node whose clock is behind", 4, func(c *refreshCase) { c.st.Grant.RotatedAt = tokenNow + 1 }, 5, nil, ""},
		{"3a: in the window although late too often before", 4, func(c *refreshCase) {
			lateBefore(4, 2)(c)
			c.st.Grant.RotatedAt = tokenNow
		}, 5, nil, ""},
		{"3a: the client's own window", 4, window(61), 5, nil, ""},
		{"3a: a window is no longer than 300 s", 4, func(c *refreshCase) {
			window(1000)(c)
			c.st.Grant.RotatedAt = tokenNow - 300_000
		}, 5, late(0, 0, 1), ""},
		{"3b: the window ends", 4, func(c *refreshCase) { c.st.Grant.RotatedAt = tokenNow - 30_000 }, 5, late(0, 0, 1), ""},
		{"3b: no window at all", 4, func(c *refreshCase) {
			window(0)(c)
			c.st.Grant.RotatedAt = tokenNow
		}, 5, late(0, 0, 1), ""},
		{"3b: late for the first time", 4, nil, 5, late(0, 0, 1), ""},
		{"3b: late again for the same generation is free", 4, lateBefore(5, 2), 5, nil, ""},
		{"3b: late for the second generation in a row", 4, lateBefore(4, 1), 5, late(4, 1, 2), ""},
		{"3b: late again after a generation that was not", 4, lateBefore(3, 2), 5, late(3, 2, 1), ""},
		{"3b: late for the third generation in a row", 4, lateBefore(4, 2), 0, refreshReplay("refresh_late_too_often"), oauth.ReasonRefreshLateTooOften},
		{"4: nothing older than the predecessor", 3, nil, 0, refreshReplay("refresh_replayed"), oauth.ReasonRefreshReplayed},
		{"4: not even in the window", 3, func(c *refreshCase) { c.st.Grant.RotatedAt = tokenNow }, 0, refreshReplay("refresh_replayed"), oauth.ReasonRefreshReplayed},
		{"4: the first of all", 0, nil, 0, refreshReplay("refresh_replayed"), oauth.ReasonRefreshReplayed},
		{"5: a generation not yet reached", 6, nil, 0, []record.Change{record.Audit{
			At: tokenNow, Key: "refresh_from_future " + refreshGID, Event: "rollback_suspected", Actor: "server",
			UserID: "ana", ClientID: "shop", GID: refreshGID, Detail: "refresh_from_future",
		}}, oauth.ReasonRefreshFromFuture},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := newRefresh(tokenPublic(), c.presented)
			if c.change != nil {
				c.change(x)
			}
			out := x.run()
			wantRefusal(t, out.Err, c.reason, oauth.InvalidGrant)
			if diff := diffChanges(c.changes, out.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if c.reason != "" {
				want := oauth.Detail{Client: "shop", GID: refreshGID, Expected: 5, Seen: c.presented}
				if out.Err.Detail != want {
					t.Errorf("detail %+v, want %+v", out.Err.Detail, want)
				}
				return
			}
			if diff := cmp.Diff(&record.RefreshFacts{GID: refreshGID, Generation: c.next}, out.Answer.Refresh); diff != "" {
				t.Errorf("refresh token (-want +got):\n%s", diff)
			}
		})
	}
}

// tokens.md, part 4: a confidential client keeps its token, and its idle limit is
// written at most hourly.
func TestAConfidentialClientKeepsItsRefreshToken(t *testing.T) {
	month := tokenNow + 30*24*hour
	touch := []record.Change{record.TouchGrant{ID: refreshGID, IdleUntil: month}}
	yes := true
	cases := []struct {
		name    string
		change  func(c *refreshCase)
		next    int64 // zero: no refresh token in the answer
		changes []record.Change
	}{
		{"used an hour ago", func(c *refreshCase) { c.st.Grant.IdleUntil = month - hour }, 0, touch},
		{"used less than an hour ago", func(c *refreshCase) { c.st.Grant.IdleUntil = month - hour + 1 }, 0, nil},
		{"used in this very moment", func(c *refreshCase) { c.st.Grant.IdleUntil = month }, 0, nil},
		{"its idle lifetime was shortened since", func(c *refreshCase) { c.st.Grant.IdleUntil = month + hour }, 0, nil},
		{"an idle lifetime of 20 minutes moves each minute", func(c *refreshCase) {
			c.st.Client.Settings.RefreshIdleTTL = 1200
			c.st.Grant.IdleUntil = tokenNow + 19*minute
		}, 0, []record.Change{record.TouchGrant{ID: refreshGID, IdleUntil: tokenNow + 20*minute}}},
		{"an idle lifetime of a second", func(c *refreshCase) {
			c.st.Client.Settings.RefreshIdleTTL = 1
			c.st.Grant.IdleUntil = tokenNow + second
		}, 0, nil},
		{"at the absolute limit", func(c *refreshCase) {
			c.st.Grant.AbsUntil = tokenNow + hour
			c.st.Grant.IdleUntil = tokenNow + hour
		}, 0, nil},
		{"it chose to rotate", func(c *refreshCase) { c.st.Client.Settings.RotateRefresh = &yes }, 6, []record.Change{
			record.RotateGrant{ID: refreshGID, From: 5, At: tokenNow, IdleUntil: month},
		}},
		{"it chose not to rotate any more, and lost the last answer", func(c *refreshCase) {
			c.presented.Token.Generation = 4
			c.st.Grant.RotatedAt = tokenNow
		}, 5, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := newRefresh(tokenClient(), 5)
			x.st.Grant.AbsUntil = month + 24*hour
			c.change(x)
			out := x.run()
			wantRefusal(t, out.Err, "", "")
			if diff := diffChanges(c.changes, out.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			var want *record.RefreshFacts
			if c.next != 0 {
				want = &record.RefreshFacts{GID: refreshGID, Generation: c.next}
			}
			if diff := cmp.Diff(want, out.Answer.Refresh); diff != "" {
				t.Errorf("refresh token (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever else is wrong, a refusal before step 2 changes nothing: the replayed
// token of generation 3 is refused for the first thing that is wrong with it.
func TestARefreshTokenIsRefusedWithoutEffect(t *testing.T) {
	cases := []struct {
		name   string
		change func(c *refreshCase)
		reason oauth.Reason
		code   oauth.Code
	}{
		{"RFC 6749 §5.2: client authentication comes first", func(c *refreshCase) { c.req.Credentials.Secret = "wrong" }, oauth.ReasonClientSecretWrong, oauth.InvalidClient},
		{"RFC 6749 §5.2: then the grant type", func(c *refreshCase) { c.st.Client.Settings.GrantTypes = nil }, oauth.ReasonGrantNotAllowed, oauth.UnauthorizedClient},
		{"junk", func(c *refreshCase) { c.presented.Reason = oauth.ReasonRefreshMalformed }, oauth.ReasonRefreshMalformed, oauth.InvalidGrant},
		{"a forgery", func(c *refreshCase) { c.presented.Reason = oauth.ReasonRefreshForged }, oauth.ReasonRefreshForged, oauth.InvalidGrant},
		{"a grant that was purged", func(c *refreshCase) { c.st.Grant = nil }, oauth.ReasonRefreshUnknown, oauth.InvalidGrant},
		{"the row of another grant", func(c *refreshCase) { c.st.Grant.ID = "other" }, oauth.ReasonRefreshUnknown, oauth.InvalidGrant},
		{"RFC 6749 §6: of another client", func(c *refreshCase) { c.st.Grant.ClientID = "stall" }, oauth.ReasonRefreshOfOtherClient, oauth.InvalidGrant},
		{"the grant ended", func(c *refreshCase) { c.st.Parents.GrantEndedAt = 1 }, oauth.ReasonGrantEnded, oauth.InvalidGrant},
		{"the session ended", func(c *refreshCase) { c.st.Parents.SessionEndedAt = 1 }, oauth.ReasonSessionEnded, oauth.InvalidGrant},
		{"the session is over", func(c *refreshCase) { c.st.Parents.SessionAbsUntil = tokenNow }, oauth.ReasonSessionExpired, oauth.InvalidGrant},
		{"H7: user disabled", func(c *refreshCase) { c.st.Parents.UserStatus = record.UserDisabled }, oauth.ReasonUserDisabled, oauth.InvalidGrant},
		{"H7: user cut", func(c *refreshCase) { c.st.Parents.UserCut = tokenLC }, oauth.ReasonUserCut, oauth.InvalidGrant},
		{"H7: client cut", func(c *refreshCase) { c.st.Parents.ClientCut = tokenLC }, oauth.ReasonClientCut, oauth.InvalidGrant},
		{"H7: app removed", func(c *refreshCase) { c.st.Parents.ConsentCut = tokenLC }, oauth.ReasonConsentCut, oauth.InvalidGrant},
		{"resource taken out", func(c *refreshCase) { c.st.Parents.ResourceCuts = []int64{0, tokenLC} }, oauth.ReasonResourceCut, oauth.InvalidGrant},
		{"break glass", func(c *refreshCase) { c.st.Parents.AllCut = tokenLC }, oauth.ReasonAllCut, oauth.InvalidGrant},
		{"H6: idle for too long", func(c *refreshCase) { c.st.Grant.IdleUntil = tokenNow }, oauth.ReasonRefreshExpiredIdle, oauth.InvalidGrant},
		{"H6: too old", func(c *refreshCase) { c.st.Grant.AbsUntil = tokenNow }, oauth.ReasonRefreshExpiredAbsolute, oauth.InvalidGrant},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := newRefresh(tokenClient(), 3)
			c.change(x)
			out := x.run()
			wantRefusal(t, out.Err, c.reason, c.code)
			if out.Changes != nil {
				t.Errorf("changes %v, want none", out.Changes)
			}
		})
	}
}

func TestARefreshAsksForNoMoreThanWasGranted(t *testing.T) {
	cases := []struct {
		name     string
		change   func(c *refreshCase)
		scope    string
		audience []string
		reason   oauth.Reason
		code     oauth.Code
	}{
		{"all of it", func(*refreshCase) {}, "openid orders:read", []string{tokenAPI, tokenIssuer}, "", ""},
		{"RFC 6749 §6: less", func(c *refreshCase) { c.req.Scope = oauth.NewScopes("orders:read") }, "orders:read", []string{tokenAPI}, "", ""},
		{
			"RFC 6749 §6: more, although the client may have it",
			func(c *refreshCase) { c.req.Scope = oauth.NewScopes("orders:read", "orders:write") },
			"", nil, oauth.ReasonScopeWidened, oauth.InvalidScope,
		},
		{
			"A15: what the client may not have any more is left out",
			func(c *refreshCase) { c.st.Client.ScopeList = []string{"orders:read"} }, "orders:read",
			[]string{tokenAPI},
			"", "",
		},
		{
			"A15: nothing is left",
			func(c *refreshCase) { c.st.Client.ScopeList = nil }, "", nil, oauth.ReasonScopeNotAllowed, oauth.InvalidScope,
		},
		{
			"RFC 8707 §2.2: one of the granted resources",
			func(c *refreshCase) {
				other := "https://other.example"
				c.st.Grant.Resources = []string{tokenAPI, other}
				c.st.Client.Settings.Resources = c.st.Grant.Resources
				c.st.Resources[other] = &record.Resource{Aud: other}
				c.req.Resources = []string{other}
			},
			"openid orders:read",
			[]string{"https://other.example", tokenIssuer},
			"", "",
		},
		{
			"RFC 8707 §2.2: a resource beyond",
			func(c *refreshCase) { c.req.Resources = []string{"https://other.example"} },
			"", nil, oauth.ReasonResourceWidened, oauth.InvalidTarget,
		},
		{
			"the one resource was deleted: its scopes do not fall to the issuer",
			func(c *refreshCase) { delete(c.st.Resources, tokenAPI) }, "", nil, oauth.ReasonResourceUnknown, oauth.InvalidTarget,
		},
		{
			"one of two resources was deleted",
			func(c *refreshCase) { c.st.Grant.Resources = []string{"https://gone.example", tokenAPI} },
			"openid orders:read",
			[]string{tokenAPI, tokenIssuer},
			"", "",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := newRefresh(tokenPublic(), 5)
			c.change(x)
			out := x.run()
			wantRefusal(t, out.Err, c.reason, c.code)
			if c.reason != "" {
				if out.Changes != nil {
					t.Errorf("changes %v: a refusal must not cost the client its token", out.Changes)
				}
				return
			}
			if out.Answer.Scope != c.scope || out.Answer.Access.Scope != c.scope {
				t.Errorf("scope %q and %q, want %q", out.Answer.Scope, out.Answer.Access.Scope, c.scope)
			}
			if diff := cmp.Diff(c.audience, out.Answer.Access.Audience); diff != "" {
				t.Errorf("audience (-want +got):\n%s", diff)
			}
			if hasID, openid := out.Answer.ID != nil, oauth.Scopes(record.SplitScope(c.scope)).Has("openid"); hasID != openid {
				t.Errorf("ID token: %v, openid in the scope: %v", hasID, openid)
			}
		})
	}
}

// OpenID Connect Core §12.2: same iss, sub, aud and auth_time; no nonce. And
// tokens.md I1: rvs is the snapshot's clock, not the grant's.
func TestARenewedTokenSaysWhatTheFirstOneSaid(t *testing.T) {
	x := newRefresh(tokenPublic(), 5)
	got := x.run().Answer
	env := tokenEnv()
	issued := tokenNow / second
	ttl := jittered(900, env)
	want := record.Tokens{
		Access: &record.AccessFacts{
			Profile: record.StandardProfile, Alg: "ES256", Subject: "ana", ClientID: "shop",
			Audience: []string{tokenAPI, tokenIssuer}, Scope: "openid orders:read",
			JTI: env.Seed.ID("jti"), SID: "session", GID: refreshGID, IssuedAt: issued, ExpiresAt: issued + ttl,
			AuthTime: issued - 60, ACR: "1", AMR: []string{"pwd"}, RVS: tokenLC,
		},
		ID: &record.IDFacts{
			Profile: record.StandardProfile, Alg: "ES256", Subject: "ana", ClientID: "shop", SID: "session",
			IssuedAt: issued, ExpiresAt: issued + 3600, AuthTime: issued - 60, ACR: "1", AMR: []string{"pwd"},
		},
		Refresh:   &record.RefreshFacts{GID: refreshGID, Generation: 6},
		ExpiresIn: ttl,
		Scope:     "openid orders:read",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
}
