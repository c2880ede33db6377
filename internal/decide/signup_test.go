package decide

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// signUpCase is a sign-up on a page that waits, at a server that lets it.
type signUpCase struct {
	form SignUpForm
	by   Browser
	st   record.SignUpState
	env  Env
}

func newSignUp() *signUpCase {
	c := &signUpCase{
		form: SignUpForm{Email: " Ana@Shop.example", Password: pageNewPassword},
		by:   pageBrowser(),
		st:   record.SignUpState{Interaction: pageInteraction(), Counters: map[string]record.Counter{}},
		env:  tokenEnv(),
	}
	policy := *c.env.Policy
	policy.SignUp = true
	c.env.Policy = &policy
	return c
}

func (c *signUpCase) begin() Outcome[struct{}] { return SignUpBegin(c.form, c.by, &c.st, c.env) }

func (c *signUpCase) finish() Outcome[struct{}] {
	return SignUpFinish(c.form, "a hash", c.by, &c.st, c.env)
}

func TestASignUpMakesAnAccountThatNobodyHasSeenToBeTheirs(t *testing.T) {
	c := newSignUp()
	begun := c.begin()
	wantRefusal(t, begun.Err, "", "")
	name := SignUpCounters(c.by)[0]
	want := []record.Change{record.CountAttempt{Name: name, Limit: signUps, At: tokenNow, WindowEnds: tokenNow + signUpWindow}}
	if diff := cmp.Diff(want, begun.Changes); diff != "" {
		t.Errorf("begin (-want +got):\n%s", diff)
	}
	done := c.finish()
	wantRefusal(t, done.Err, "", "")
	changes, user := madeUser(c.env, "{}", "a hash", ActorServer, 0)
	want = append(changes, record.PutSignUp{UserID: user.ID, At: tokenNow},
		record.Audit{At: tokenNow, Event: "signed_up", Actor: ActorServer, UserID: user.ID, ClientID: c.st.Interaction.Request.ClientID})
	if diff := diffUser(want, done.Changes); diff != "" {
		t.Errorf("finish (-want +got):\n%s", diff)
	}
}

// ASVS 6.3.8. The same is counted before the hash, and the same is answered after
// it; only the audit trail knows.
func TestASignUpForATakenAddressIsAnsweredAsAnyOther(t *testing.T) {
	free, taken := newSignUp(), newSignUp()
	taken.st.UserID = "ana"
	if diff := cmp.Diff(free.begin(), taken.begin()); diff != "" {
		t.Errorf("they begin apart:\n%s", diff)
	}
	done := taken.finish()
	if done.Err != nil || done.Answer != free.finish().Answer {
		t.Errorf("they are answered apart: %v", done.Err)
	}
	key := "sign_up_taken " + counterName("login", "ana@shop.example")
	want := []record.Change{record.Audit{
		At: tokenNow, Event: "sign_up_taken", Key: key, Actor: ActorServer, UserID: "ana", ClientID: taken.st.Interaction.Request.ClientID,
	}}
	if diff := diffUser(want, done.Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestASignUpIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*signUpCase)
		reason oauth.Reason
		param  string
	}{
		"where the operator has not said so": {func(c *signUpCase) { c.env.Policy.SignUp = false }, oauth.ReasonSignUpOff, ""},
		"without a page":                     {func(c *signUpCase) { c.st.Interaction = nil }, oauth.ReasonInteractionUnknown, ""},
		"in another browser":                 {func(c *signUpCase) { c.by.Hash = []byte("another") }, oauth.ReasonInteractionOtherBrowser, ""},
		"in a browser without a name":        {func(c *signUpCase) { c.by.Hash, c.form.Alone = nil, true }, oauth.ReasonInteractionOtherBrowser, ""},
		"too late":                           {func(c *signUpCase) { c.env.Now = c.st.Interaction.EndsAt }, oauth.ReasonInteractionExpired, ""},
		"for a page that was answered":       {func(c *signUpCase) { c.st.Interaction.UsedAt = tokenNow }, oauth.ReasonInteractionUsed, ""},
		"without an address":                 {func(c *signUpCase) { c.form.Email = "ana" }, oauth.ReasonParameterMalformed, "email"},
		"with two addresses":                 {func(c *signUpCase) { c.form.Email = "ana@shop.example,eve@evil.example" }, oauth.ReasonParameterMalformed, "email"},
		"with letters beyond ASCII":          {func(c *signUpCase) { c.form.Email = "аna@shop.example" }, oauth.ReasonParameterMalformed, "email"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newSignUp()
			tc.change(c)
			for step, out := range map[string]Outcome[struct{}]{"begin": c.begin(), "finish": c.finish()} {
				if out.Err == nil || out.Err.Reason != tc.reason || out.Err.Param != tc.param {
					t.Errorf("%s: %v", step, out.Err)
				}
				if len(out.Changes) != 0 {
					t.Errorf("%s writes %v", step, out.Changes)
				}
			}
		})
	}
	for password, reason := range map[string]oauth.Reason{
		"short": oauth.ReasonPasswordTooShort, "password1": oauth.ReasonPasswordCommon, "ana@shop.example": oauth.ReasonPasswordContext,
		strings.Repeat("long ", 60): oauth.ReasonPasswordTooLong,
	} {
		c := newSignUp()
		c.form.Password = password
		if out := c.begin(); out.Err == nil || out.Err.Reason != reason || len(out.Changes) != 0 {
			t.Errorf("%q: %v, %v", password, out.Err, out.Changes)
		}
	}
}

// Whoever wants to know, or to fill the table, comes from somewhere.
func TestANetworkAsksForSoManyAccountsAndNoMore(t *testing.T) {
	c := newSignUp()
	name := SignUpCounters(c.by)[0]
	c.st.Counters[name] = record.Counter{Name: name, N: signUps - 1, WindowEnds: tokenNow + minute}
	last := c.begin()
	wantRefusal(t, last.Err, "", "")
	want := []record.Change{record.CountAttempt{Name: name, Limit: signUps, At: tokenNow, WindowEnds: tokenNow + minute}}
	if diff := cmp.Diff(want, last.Changes); diff != "" {
		t.Errorf("the window moves (-want +got):\n%s", diff)
	}
	c.st.Counters[name] = record.Counter{Name: name, N: signUps, WindowEnds: tokenNow + minute}
	refused := c.begin()
	if refused.Err == nil || refused.Err.Reason != oauth.ReasonTooManyAttempts {
		t.Fatalf("the next: %v", refused.Err)
	}
	if refused.Err.RetryAfter.Milliseconds() != minute {
		t.Errorf("to come back after %v", refused.Err.RetryAfter)
	}
	if row, ok := refused.Changes[0].(record.Audit); !ok || len(refused.Changes) != 1 || row.Event != "sign_up_refused" || row.Key == "" {
		t.Errorf("changes: %v", refused.Changes)
	}
	other := pageBrowser()
	other.Network = "203.0.113.0/24"
	if name == SignUpCounters(other)[0] || strings.Contains(name, c.by.Network) {
		t.Error("networks are not told apart, or are named")
	}
	c.st.Counters[name] = record.Counter{Name: name, N: signUps, WindowEnds: tokenNow}
	wantRefusal(t, c.begin().Err, "", "")
}

// Classic-federated merge, GHSA-qq9h and its like: an attacker makes an account
// with somebody's address and waits for its owner.
func TestWhatWasSetBeforeAnAddressWasSeenIsRemoved(t *testing.T) {
	env := tokenEnv()
	changes := ConfirmSignUp("ana", ActorAdmin, env)
	if diff := cmp.Diff(record.Change(record.ConfirmSignUp{UserID: "ana"}), changes[0]); diff != "" {
		t.Error(diff)
	}
	ended := End(endingFor(revocation.ForSub("ana"), userAct("sign_up_confirmed", ActorAdmin, "ana")), env)
	if !reflect.DeepEqual(ended, changes[2:]) {
		t.Errorf("what the user had does not end: %v", changes[2:])
	}
}

// Initiating User Registration via OpenID Connect §4.1.
func TestPromptCreateShowsTheSignUpPageWhereThereIsOne(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*authorizeCase)
		want   string
	}{
		"to somebody who is signed in":     {func(*authorizeCase) {}, "sign-up page"},
		"to nobody":                        {func(c *authorizeCase) { c.st.Session, c.st.User = nil, nil }, "sign-up page"},
		"where it is asked to sign in too": {func(c *authorizeCase) { c.ask.Request.Prompt = []string{oauth.PromptLogin, oauth.PromptCreate} }, "sign-up page"},
		"not to who has signed in since": {func(c *authorizeCase) {
			c.ask.interaction = pageInteraction()
			c.st.Session.AuthTime = c.ask.interaction.MadeAt
		}, "code"},
		"not where nobody signs up by themself": {func(c *authorizeCase) { c.env = tokenEnv() }, "code"},
		"not unasked":                           {func(c *authorizeCase) { c.ask.Request.Prompt = nil }, "code"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newAuthorize()
			c.env = newSignUp().env
			c.ask.Request.Prompt = []string{oauth.PromptCreate}
			tc.change(c)
			if got := where(c.run()); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}
