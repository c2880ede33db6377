package decide

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

const pageNewPassword = "seven otters under a bridge"

// accountCase is a user on their account page, changing the password.
type accountCase struct {
	form    PasswordForm
	checked CheckedPassword
	st      record.SessionState
	env     Env
}

func newAccount(t *testing.T) *accountCase {
	t.Helper()
	return &accountCase{
		form: PasswordForm{Current: pagePassword, New: pageNewPassword},
		checked: CheckedPassword{
			Check:    PasswordCheck{PHC: pageHash, FactorID: "factor", UserID: "ana", RVS: tokenLC, Reserved: []string{"a counter"}},
			Verified: verifiedPassword(t),
			NewPHC:   "a new hash",
		},
		st: record.SessionState{
			LC: tokenLC, Session: pageSession(), User: pageUser(), Password: pageFactor(), Parents: pageParents(),
			Counters: map[string]record.Counter{},
		},
		env: tokenEnv(),
	}
}

func (c *accountCase) begin() Outcome[PasswordCheck] {
	return ChangePasswordBegin(c.form, &c.st, c.env)
}

func (c *accountCase) finish() Outcome[string] {
	return ChangePasswordFinish(c.form, c.checked, &c.st, c.env)
}

func otherSession(userID string) *record.Session {
	return &record.Session{ID: "other", UserID: userID}
}

// TestTheAccountIsForWhoIsSignedIn: every act asks the one function that decides
// who is alive, and without a session nothing is written.
func TestTheAccountIsForWhoIsSignedIn(t *testing.T) {
	acts := map[string]func(*accountCase) Outcome[struct{}]{
		"begin to change the password": func(c *accountCase) Outcome[struct{}] {
			begun := c.begin()
			return Outcome[struct{}]{Changes: begun.Changes, Err: begun.Err}
		},
		"change the password": func(c *accountCase) Outcome[struct{}] {
			finished := c.finish()
			return Outcome[struct{}]{Changes: finished.Changes, Err: finished.Err}
		},
		"sign out everywhere": func(c *accountCase) Outcome[struct{}] { return SignOutEverywhere(&c.st, c.env) },
		"end another session": func(c *accountCase) Outcome[struct{}] { return EndOwnSession(otherSession("ana"), &c.st, c.env) },
		"remove an app":       func(c *accountCase) Outcome[struct{}] { return RemoveApp(pageClient(), &c.st, c.env) },
	}
	for act, run := range acts {
		c := newAccount(t)
		wantRefusal(t, run(c).Err, "", "")
		changes := map[string]func(*accountCase){
			"no session": func(c *accountCase) { c.st.Session, c.st.User, c.st.Parents = nil, nil, record.Parents{} },
		}
		for cause, kill := range deadSessions() {
			changes[cause] = func(c *accountCase) { kill(&c.st.Parents) }
		}
		for cause, change := range changes {
			c := newAccount(t)
			change(c)
			got := run(c)
			wantRefusal(t, got.Err, oauth.ReasonLoginRequired, oauth.LoginRequired)
			if len(got.Changes) != 0 {
				t.Errorf("%s, session %s: it writes %v", act, cause, got.Changes)
			}
		}
	}
}

func TestChangingThePasswordTriesTheCurrentOneFirst(t *testing.T) {
	c := newAccount(t)
	name := PasswordCounters(secret.Hash("cookie"))[0]
	got := c.begin()
	wantRefusal(t, got.Err, "", "")
	want := PasswordCheck{PHC: pageHash, FactorID: "factor", UserID: "ana", RVS: tokenLC, Reserved: []string{name}}
	if diff := cmp.Diff(want, got.Answer); diff != "" {
		t.Errorf("what to check (-want +got):\n%s", diff)
	}
	counted := []record.Change{record.CountAttempt{Name: name, Limit: 5, At: tokenNow, WindowEnds: tokenNow + 15*minute}}
	if diff := diffChanges(counted, got.Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}

	c.st.Counters[name] = record.Counter{Name: name, N: 7, WindowEnds: tokenNow + 15*minute}
	got = c.begin()
	wantRefusal(t, got.Err, oauth.ReasonTooManyAttempts, oauth.TemporarilyUnavailable)
	if got.Err.RetryAfter != 4*time.Second || len(got.Changes) != 0 {
		t.Errorf("after seven attempts: Retry-After %s and %v, want 4s and nothing", got.Err.RetryAfter, got.Changes)
	}

	c = newAccount(t)
	c.st.Password = nil
	if got := c.begin().Answer; got.PHC != secret.DummyHash || got.UserID != "" {
		t.Errorf("for a user without a password: %+v", got)
	}
}

// TestANewPasswordIsJudgedBeforeItCosts: NIST SP 800-63B-4 §3.1.1.2.
func TestANewPasswordIsJudgedBeforeItCosts(t *testing.T) {
	for password, reason := range map[string]oauth.Reason{
		"1234567":                         oauth.ReasonPasswordTooShort,
		string(make([]byte, 2000)):        oauth.ReasonPasswordTooLong,
		"password1":                       oauth.ReasonPasswordCommon,
		"Mintm4rk!":                       oauth.ReasonPasswordContext, // our own name
		"shop.example":                    oauth.ReasonPasswordContext, // the domain of the address
		"ana@shop.example":                oauth.ReasonPasswordContext,
		"\u00fc\u00fc nine otters \u2603": "",
	} {
		c := newAccount(t)
		c.form.New = password
		begun, finished := c.begin(), c.finish()
		wantRefusal(t, begun.Err, reason, oauth.InvalidRequest)
		wantRefusal(t, finished.Err, reason, oauth.InvalidRequest)
		if reason != "" && len(begun.Changes)+len(finished.Changes) != 0 {
			t.Errorf("%q is refused and writes %v %v", password, begun.Changes, finished.Changes)
		}
	}
}

func TestAUserWithoutAnAddressHasAPassword(t *testing.T) {
	c := newAccount(t)
	c.st.User.Email = nil
	wantRefusal(t, c.begin().Err, "", "")
	c.form.New = "Mintm4rk!"
	wantRefusal(t, c.begin().Err, oauth.ReasonPasswordContext, oauth.InvalidRequest)
}

// TestAChangedPasswordSignsTheOthersOut: ASVS 7.4.3; tokens.md, part 2, "log out
// all others". ASVS 7.2.4: either way this one has another cookie.
func TestAChangedPasswordSignsTheOthersOut(t *testing.T) {
	put := record.PutFactor{
		Factor: record.Factor{
			ID: tokenEnv().Seed.ID("factor"), UserID: "ana", Kind: "password", Data: "a new hash", MadeAt: tokenNow,
		},
		OldData: pageHash,
	}
	cookie := secret.NewOpaque(tokenEnv().Seed, "session cookie")
	rest := []record.Change{
		record.RenewSession{
			ID: "session", OldCookieHash: secret.Hash("cookie"), CookieHash: secret.Hash(cookie),
			Proofs:   []record.Proof{{Factor: "password", At: tokenNow - second}},
			AuthTime: tokenNow - second, RVS: tokenLC, SeenAt: tokenNow, IdleUntil: tokenNow + 2*hour,
		},
		record.ClearCounter{Name: "a counter"},
		record.Audit{At: tokenNow, Event: "password_changed", Actor: "user:ana", UserID: "ana"},
	}
	c := newAccount(t)
	got := c.finish()
	wantRefusal(t, got.Err, "", "")
	if got.Answer != cookie {
		t.Errorf("the new cookie is %q, want %q", got.Answer, cookie)
	}
	want := slices.Concat([]record.Change{put}, userEnding("password_changed"), []record.Change{record.MarkSession{ID: "session"}}, rest)
	if diff := diffChanges(want, got.Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}

	c.form.KeepOthers = true
	if diff := diffChanges(append([]record.Change{put}, rest...), c.finish().Changes); diff != "" {
		t.Errorf("where the others are kept (-want +got):\n%s", diff)
	}
}

func TestOnlyTheCurrentPasswordChangesIt(t *testing.T) {
	for name, change := range map[string]func(*accountCase){
		"it was wrong":             func(c *accountCase) { c.checked.Verified = secret.Verified{} },
		"it is another user's":     func(c *accountCase) { c.checked.Check.UserID = "bob" },
		"it was changed meanwhile": func(c *accountCase) { c.st.Password.ID, c.st.Password.Data = "another", "its hash" },
		"it was removed":           func(c *accountCase) { c.st.Password = nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := newAccount(t)
			change(c)
			got := c.finish()
			wantRefusal(t, got.Err, oauth.ReasonPasswordCurrentWrong, oauth.AccessDenied)
			want := []record.Change{record.Audit{
				Key: "password_current_wrong ana", At: tokenNow, Event: "password_change_failed",
				Actor: "user:ana", UserID: "ana", Detail: "password_current_wrong",
			}}
			if diff := diffChanges(want, got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// A sign-in that hashed the password anew meanwhile has not changed it.
func TestAPasswordHashedAnewCanBeChanged(t *testing.T) {
	c := newAccount(t)
	c.st.Password.Data = "another hash"
	got := c.finish()
	wantRefusal(t, got.Err, "", "")
	if put, ok := got.Changes[0].(record.PutFactor); !ok || put.OldData != "another hash" || put.Factor.Data != "a new hash" {
		t.Errorf("the first change is %+v", got.Changes[0])
	}
}

func TestSigningOutEndsWhatItSays(t *testing.T) {
	c := newAccount(t)
	for name, tc := range map[string]struct {
		got  Outcome[struct{}]
		want []record.Change
	}{
		"this session": {SignOut(&c.st, c.env), sessionEnding("session", "signed_out", "user:ana")},
		"everywhere": {
			SignOutEverywhere(&c.st, c.env),
			append(userEnding("signed_out_everywhere"), sessionEnding("session", "signed_out_everywhere", "user:ana")...),
		},
		"another session": {
			EndOwnSession(otherSession("ana"), &c.st, c.env), sessionEnding("other", "session_ended_by_user", "user:ana"),
		},
		"another user's session":    {EndOwnSession(otherSession("bob"), &c.st, c.env), nil},
		"a session that is not":     {EndOwnSession(nil, &c.st, c.env), nil},
		"a session that ended":      {EndOwnSession(&record.Session{ID: "other", UserID: "ana", EndedAt: 1}, &c.st, c.env), nil},
		"no session":                {SignOut(&record.SessionState{}, c.env), nil},
		"this session, which ended": {SignOut(&record.SessionState{Session: &record.Session{ID: "session", EndedAt: 1}}, c.env), nil},
		"an app that nobody knows":  {RemoveApp(nil, &c.st, c.env), nil},
		"an app": {
			RemoveApp(pageClient(), &c.st, c.env),
			tokenEnding(revocation.ForConsent("ana", "shop"), "app_removed", "user:ana",
				record.CutConsent{UserID: "ana", ClientID: "shop", At: tokenNow},
				record.Audit{Event: "consent_ended", UserID: "ana", ClientID: "shop"}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, tc.got.Err, "", "")
			if diff := diffChanges(tc.want, tc.got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}
