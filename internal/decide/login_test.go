package decide

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// loginCase is a sign-in on a page that waits: everything is as it should be.
type loginCase struct {
	form    LoginForm
	by      Browser
	checked CheckedPassword
	st      record.LoginState
	env     Env
}

func newLogin(t *testing.T) *loginCase {
	t.Helper()
	return &loginCase{
		form: LoginForm{Identifier: " Ana@shop.example", Password: pagePassword},
		by:   pageBrowser(),
		checked: CheckedPassword{
			Check:    PasswordCheck{PHC: pageHash, FactorID: "factor", UserID: "ana", RVS: tokenLC - 3, Reserved: []string{"a counter", "another"}},
			Verified: verifiedPassword(t),
		},
		st: record.LoginState{
			ClientState: tokenClientState(pageClient()),
			Interaction: pageInteraction(),
			User:        pageUser(),
			Password:    pageFactor(),
			Counters:    map[string]record.Counter{},
		},
		env: tokenEnv(),
	}
}

func (c *loginCase) begin() Outcome[PasswordCheck] { return LoginBegin(c.form, c.by, &c.st, c.env) }

func (c *loginCase) finish() Outcome[LoginAnswer] {
	return LoginFinish(c.form, c.by, c.checked, &c.st, c.env)
}

// counter gives the name of one of the case's counters: 0 the account from this
// network, 1 the account, 2 the account in this browser, 3 the network.
func (c *loginCase) counter(i int) string { return LoginCounters(c.form, c.by)[i] }

// TestWhetherAnAccountExistsDoesNotShow: ASVS 6.3.8. An attempt is counted in the
// same way, before it is made where there were others and after it has failed where
// there were none, a hash of the same kind is checked, and the answer is the same.
func TestWhetherAnAccountExistsDoesNotShow(t *testing.T) {
	cases := map[string]struct {
		change   func(*loginCase)
		phc      string
		factorID string
		userID   string // that may sign in
	}{
		"an active user":     {func(*loginCase) {}, pageHash, "factor", "ana"},
		"nobody":             {func(c *loginCase) { c.st.User, c.st.Password = nil, nil }, secret.DummyHash, "", ""},
		"a disabled user":    {func(c *loginCase) { c.st.User.Status = record.UserDisabled }, secret.DummyHash, "", ""},
		"a user without one": {func(c *loginCase) { c.st.Password = nil }, secret.DummyHash, "", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newLogin(t)
			tc.change(c)
			c.st.Counters[c.counter(0)] = record.Counter{Name: c.counter(0), N: 1, WindowEnds: tokenNow + minute}
			begun := c.begin()
			wantRefusal(t, begun.Err, "", "")
			want := PasswordCheck{
				PHC: tc.phc, FactorID: tc.factorID, UserID: tc.userID, RVS: tokenLC,
				Reserved: []string{c.counter(0)}, Quiet: []string{c.counter(1)},
			}
			if diff := cmp.Diff(want, begun.Answer); diff != "" {
				t.Errorf("what to check (-want +got):\n%s", diff)
			}
			if diff := diffChanges([]record.Change{
				record.CountAttempt{Name: c.counter(0), Limit: 5, At: tokenNow, WindowEnds: tokenNow + 15*minute},
			}, begun.Changes); diff != "" {
				t.Errorf("what Begin writes (-want +got):\n%s", diff)
			}
			c.checked = CheckedPassword{Check: begun.Answer} // the password was wrong
			finished := c.finish()
			wantRefusal(t, finished.Err, oauth.ReasonCredentialsWrong, oauth.AccessDenied)
			row := record.Audit{
				Key: "credentials_wrong " + c.counter(1), At: tokenNow, Event: "sign_in_failed",
				Actor: ActorServer, UserID: "ana", ClientID: "shop", Detail: "credentials_wrong",
			}
			if c.st.User == nil {
				row.Key, row.UserID = "credentials_wrong nobody", ""
			}
			if diff := diffChanges([]record.Change{
				record.CountAttempt{Name: c.counter(1), Limit: 1 << 62, At: tokenNow, WindowEnds: tokenNow + 15*minute},
				record.CountAttempt{Name: c.counter(3), Limit: 1 << 62, At: tokenNow, WindowEnds: tokenNow + 15*minute},
				row,
			}, finished.Changes); diff != "" {
				t.Errorf("what Finish writes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOnlyTheOwnPasswordSignsIn: evidence for the right password is of no use to
// whoever it is not for.
func TestOnlyTheOwnPasswordSignsIn(t *testing.T) {
	for name, change := range map[string]func(*loginCase){
		"Begin found nobody":              func(c *loginCase) { c.checked.Check.UserID = "" },
		"it was wrong":                    func(c *loginCase) { c.checked.Verified = secret.Verified{} },
		"the user has been deleted":       func(c *loginCase) { c.st.User = nil },
		"the user has been disabled":      func(c *loginCase) { c.st.User.Status = record.UserDisabled },
		"the address is another's by now": func(c *loginCase) { c.st.User.ID = "bob" },
	} {
		t.Run(name, func(t *testing.T) {
			c := newLogin(t)
			change(c)
			wantRefusal(t, c.finish().Err, oauth.ReasonCredentialsWrong, oauth.AccessDenied)
		})
	}
}

func TestASignInNeedsAPageInItsBrowser(t *testing.T) {
	cases := map[string]struct {
		change func(*loginCase)
		reason oauth.Reason
	}{
		"on the page":              {func(*loginCase) {}, ""},
		"no such page":             {func(c *loginCase) { c.st.Interaction = nil }, oauth.ReasonInteractionUnknown},
		"another browser's page":   {func(c *loginCase) { c.by.Hash = secret.Hash("other") }, oauth.ReasonInteractionOtherBrowser},
		"no browser cookie":        {func(c *loginCase) { c.by.Hash = nil }, oauth.ReasonInteractionOtherBrowser},
		"a page without a browser": {func(c *loginCase) { c.by.Hash, c.st.Interaction.BrowserHash = nil, nil }, oauth.ReasonInteractionOtherBrowser},
		"a page that was answered": {func(c *loginCase) { c.st.Interaction.UsedAt = 1 }, oauth.ReasonInteractionUsed},
		"a page of long ago":       {func(c *loginCase) { c.st.Interaction.EndsAt = tokenNow }, oauth.ReasonInteractionExpired},
		"to the account":           {func(c *loginCase) { c.form.ToAccount, c.st.Interaction = true, nil }, ""},
		"to the account, no browser cookie": {func(c *loginCase) {
			c.form.ToAccount, c.st.Interaction, c.by.Hash = true, nil, nil
		}, oauth.ReasonInteractionOtherBrowser},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newLogin(t)
			tc.change(c)
			begun, finished := c.begin(), c.finish()
			wantRefusal(t, begun.Err, tc.reason, oauth.InvalidRequest)
			wantRefusal(t, finished.Err, tc.reason, oauth.InvalidRequest)
			if tc.reason != "" && len(begun.Changes)+len(finished.Changes) != 0 {
				t.Errorf("a refusal writes: %v %v", begun.Changes, finished.Changes)
			}
		})
	}
}

// TestASignInMakesASessionOrRenewsIt: ASVS 7.2.4, the cookie is new each time.
func TestASignInMakesASessionOrRenewsIt(t *testing.T) {
	c := newLogin(t)
	cookie, sid := secret.NewOpaque(c.env.Seed, "session cookie"), c.env.Seed.ID("sid")
	proofs := []record.Proof{{Factor: "password", At: tokenNow - second}}
	made := record.PutSession{Session: record.Session{
		ID: sid, CookieHash: secret.Hash(cookie), BrowserHash: c.by.Hash, UserID: "ana", Proofs: proofs,
		AuthTime: tokenNow - second, RVS: tokenLC - 3, Agent: c.by.Agent, MadeAt: tokenNow, SeenAt: tokenNow,
		IdleUntil: tokenNow + 12*hour, AbsUntil: tokenNow + 30*24*hour,
	}, FactorID: "factor"}
	renewed := record.RenewSession{
		ID: "session", FactorID: "factor", OldCookieHash: secret.Hash("cookie"), CookieHash: secret.Hash(cookie), Proofs: proofs,
		AuthTime: tokenNow - second, RVS: tokenLC - 3, SeenAt: tokenNow, IdleUntil: tokenNow + 2*hour,
	}
	current := func(change func(*record.LoginState)) func(*loginCase) {
		return func(c *loginCase) {
			c.st.Current, c.st.CurrentParents = pageSession(), pageParents()
			change(&c.st)
		}
	}
	bobs := func(st *record.LoginState) { st.Current.UserID, st.CurrentParents.UserID = "bob", "bob" }
	ended := func(st *record.LoginState) { st.Current.EndedAt, st.CurrentParents.SessionEndedAt = 9, 9 }
	bobsEnding := slices.Clone(sessionEnding("session", "another_user_signed_in", "user:ana"))
	row, _ := bobsEnding[len(bobsEnding)-1].(record.Audit)
	row.UserID = "bob"
	bobsEnding[len(bobsEnding)-1] = row
	cases := map[string]struct {
		change func(*loginCase)
		sid    string
		want   []record.Change
	}{
		"no session before":      {func(*loginCase) {}, sid, []record.Change{made}},
		"the same user's":        {current(func(*record.LoginState) {}), "session", []record.Change{renewed}},
		"the same user's, ended": {current(ended), sid, []record.Change{made}},
		"another user's":         {current(bobs), sid, append(bobsEnding, made)},
		"another user's, ended":  {current(func(st *record.LoginState) { bobs(st); ended(st) }), sid, []record.Change{made}},
	}
	for cause, kill := range deadSessions() {
		tc := cases["no session before"]
		tc.change = current(func(st *record.LoginState) { kill(&st.CurrentParents) })
		cases["the same user's, "+cause] = tc
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newLogin(t)
			c.form.ToAccount, c.st.Interaction = true, nil
			tc.change(c)
			got := c.finish()
			wantRefusal(t, got.Err, "", "")
			if want := (LoginAnswer{Cookie: cookie, UserID: "ana", SID: tc.sid}); got.Answer != want {
				t.Errorf("answer %+v, want %+v", got.Answer, want)
			}
			want := append(slices.Clone(tc.want),
				record.ClearCounter{Name: "a counter"}, record.ClearCounter{Name: "another"},
				record.Audit{
					At: tokenNow, Event: "sign_in", Actor: "user:ana", UserID: "ana", Detail: "session " + tc.sid,
				})
			if diff := diffChanges(want, got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheRequestThatWaitedGoesOnWithTheSignIn: in the same plan, as it would with
// the session that is made there.
func TestTheRequestThatWaitedGoesOnWithTheSignIn(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*loginCase)
		page   Page
		reason oauth.Reason
	}{
		"a code for an app that is allowed": {func(*loginCase) {}, PageNone, ""},
		"consent for one that is not":       {func(c *loginCase) { c.st.Consent = nil }, PageConsent, ""},
		"an error of the request's":         {func(c *loginCase) { c.st.Interaction.Request.Registration = "{}" }, PageNone, oauth.ReasonRegistrationUnsupported},
		"an error for another user":         {func(c *loginCase) { c.form.Hint = &record.VerifiedToken{Subject: "bob"} }, PageNone, oauth.ReasonLoginRequired},
	} {
		t.Run(name, func(t *testing.T) {
			c := newLogin(t)
			c.st.Consent = pageState().Consent
			tc.change(c)
			got := c.finish()
			wantRefusal(t, got.Err, "", "")
			after := pageState()
			after.Consent, after.Interaction = c.st.Consent, c.st.Interaction
			after.Session = &record.Session{
				ID: got.Answer.SID, UserID: "ana", AuthTime: tokenNow - second, RVS: tokenLC - 3, AbsUntil: tokenNow + 30*24*hour,
				Proofs: []record.Proof{{Factor: record.FactorPassword, At: tokenNow - second}},
			}
			want := Resume(after, c.form.Hint, c.by, c.env)
			if got.Answer.Next != want.Answer || got.Answer.Next.Page != tc.page || (got.Answer.Next.Code != "") != (tc.page == PageNone && tc.reason == "") {
				t.Errorf("goes on with %+v, want %+v", got.Answer.Next, want.Answer)
			}
			if got.Answer.NextErr == nil && tc.reason != "" || got.Answer.NextErr != nil && got.Answer.NextErr.Reason != tc.reason {
				t.Errorf("goes on with %v, want %s", got.Answer.NextErr, tc.reason)
			}
			alone := c.form
			alone.ToAccount = true
			signIn := LoginFinish(alone, c.by, c.checked, &c.st, c.env).Changes
			if diff := diffChanges(append(signIn, want.Changes...), got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAnOldHashIsReplacedOnce: OWASP Password Storage, rehash on login. The hash
// of the tests is cheaper than today's.
func TestAnOldHashIsReplacedOnce(t *testing.T) {
	replaced := *pageFactor()
	replaced.Data = "a new hash"
	for name, tc := range map[string]struct {
		change func(*loginCase)
		want   []record.Change
	}{
		"by the new one":       {func(*loginCase) {}, []record.Change{record.PutFactor{Factor: replaced, OldData: pageHash}}},
		"not without one":      {func(c *loginCase) { c.checked.NewPHC = "" }, nil},
		"not after a change":   {func(c *loginCase) { c.st.Password.Data = "of another password" }, nil},
		"not after a deletion": {func(c *loginCase) { c.st.Password = nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := newLogin(t)
			c.checked.NewPHC = "a new hash"
			tc.change(c)
			var factors []record.Change
			for _, change := range c.finish().Changes {
				if put, ok := change.(record.PutFactor); ok {
					factors = append(factors, put)
				}
			}
			if diff := diffChanges(tc.want, factors); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTooManyAttemptsWait: NIST SP 800-63B-4 §3.2.2; the counters and their waits.
func TestTooManyAttemptsWait(t *testing.T) {
	at := func(i int, n, windowEnds int64) func(*loginCase) {
		return func(c *loginCase) {
			c.st.Counters[c.counter(i)] = record.Counter{Name: c.counter(i), N: n, WindowEnds: windowEnds}
		}
	}
	known := func(change func(*loginCase)) func(*loginCase) {
		return func(c *loginCase) { c.st.Known = true; change(c) }
	}
	justNow := tokenNow + 15*minute // the window of an attempt made now
	for name, tc := range map[string]struct {
		change func(*loginCase)
		wait   time.Duration
	}{
		"a fifth from this network":                      {at(0, 4, justNow), 0},
		"a sixth from this network":                      {at(0, 5, justNow), time.Second},
		"a sixteenth from this network":                  {at(0, 15, justNow), 15 * time.Minute},
		"a hundredth on the account":                     {at(1, 99, justNow), 0},
		"one after a hundred on the account":             {at(1, 100, tokenNow+7*minute), 7 * time.Minute},
		"a network with 299 misses":                      {at(3, 299, tokenNow+minute), 0},
		"a network with 300 misses":                      {at(3, 300, tokenNow+minute), time.Minute},
		"a known browser's sixth":                        {known(at(2, 5, justNow)), time.Second},
		"a browser's sixth, known no more":               {at(2, 5, justNow), 0},
		"a known browser, whatever the network does":     {known(at(0, 90, justNow)), 0},
		"a known browser, whatever the account suffers":  {known(at(1, 100, justNow)), 0},
		"a known browser, whatever its network has done": {known(at(3, 300, justNow)), 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newLogin(t)
			tc.change(c)
			got := c.begin()
			if tc.wait == 0 {
				wantRefusal(t, got.Err, "", "")
				return
			}
			wantRefusal(t, got.Err, oauth.ReasonTooManyAttempts, oauth.TemporarilyUnavailable)
			if got.Err.RetryAfter != tc.wait {
				t.Errorf("Retry-After %s, want %s", got.Err.RetryAfter, tc.wait)
			}
			want := record.Audit{
				Key: "too_many_attempts " + c.counter(1), At: tokenNow, Event: "sign_in_failed",
				Actor: ActorServer, UserID: "ana", ClientID: "shop", Detail: "too_many_attempts",
			}
			if name == "a network with 300 misses" { // one row, whatever the accounts
				want.Key, want.UserID = "too_many_attempts "+c.counter(3), ""
			}
			if diff := diffChanges([]record.Change{want}, got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCountersDoNotSayWhomTheyCount(t *testing.T) {
	c := newLogin(t)
	names := LoginCounters(c.form, c.by)
	for _, name := range append(names, PasswordCounters(secret.Hash("cookie"))...) {
		for _, known := range []string{"ana", "shop", "192"} {
			if strings.Contains(strings.ToLower(name), known) {
				t.Errorf("%q contains %q", name, known)
			}
		}
	}
	typed := LoginCounters(LoginForm{Identifier: "ANA@SHOP.EXAMPLE "}, c.by)
	if diff := cmp.Diff(names, typed); diff != "" {
		t.Errorf("another spelling is counted apart (-want +got):\n%s", diff)
	}
	others := LoginCounters(LoginForm{Identifier: "no address"}, Browser{Hash: secret.Hash("b"), Network: "198.51.100.0/24"})
	for _, name := range others {
		if slices.Contains(names, name) {
			t.Errorf("two users share %q", name)
		}
	}
}

// TestFactsFollowFromProofs: NIST SP 800-63B-4 §2.1, RFC 8176 §2.
func TestFactsFollowFromProofs(t *testing.T) {
	session := pageSession()
	want := record.AuthnFacts{AuthTime: pageSignedIn, ACR: "aal1", AMR: []string{"pwd"}}
	if diff := cmp.Diff(want, SessionFacts(session)); diff != "" {
		t.Errorf("after a password (-want +got):\n%s", diff)
	}
	session.Proofs = nil
	if diff := cmp.Diff(record.AuthnFacts{AuthTime: pageSignedIn}, SessionFacts(session)); diff != "" {
		t.Errorf("after nothing (-want +got):\n%s", diff)
	}
}

// tokens.md, part 2: a sign-in that checked the old password a moment before it
// was changed does not survive the change, also where the change cut nothing off.
func TestAPasswordChangedWhileItsHashRanDoesNotSignIn(t *testing.T) {
	c := newLogin(t)
	c.st.Password.ID = "the new one"
	got := c.finish()
	wantRefusal(t, got.Err, oauth.ReasonCredentialsWrong, oauth.AccessDenied)
	if got.Answer != (LoginAnswer{}) {
		t.Errorf("answer %+v", got.Answer)
	}
}
