package decide

import (
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// situation is one row of the decision table: what the client asks for, and how
// the user stands.
type situation struct {
	prompt  string // space-separated
	maxAge  int64  // seconds; -1: none
	usual   bool   // max_age is the client's default instead of the request's
	session string // "none", "alive", or why it is dead
	hint    string // whom the request is about; "": it does not say
	by      string // how it says so: an ID token hint, or a value of the claim sub
	acr     string // what is essential of the sign-in: "", "any", "password", "more"; "wish": more, and not essential
	proven  string // when: before the page was put up, since, or there is no page
	chosen  string // whom the user chose on the page that asks which account; "": nobody
	consent string // "none", "less", "all"
	own     bool   // the operator's own application
}

// want is what OpenID Connect Core says of the situation, in its order and over the
// situation alone.
func (s situation) want() string {
	asks := strings.Fields(s.prompt)
	silent := slices.Contains(asks, "none")
	page := func(name, otherwise string) string {
		if silent {
			return otherwise // §3.1.2.6
		}
		return name
	}
	since := s.session == "alive" && s.proven == "since"
	age := (tokenNow - pageSignedIn) / second
	if since {
		age = (tokenNow - pageMade) / second
	}
	// §5.5.1.1: what cannot be reached has failed, whoever is signed in.
	if s.acr == "more" {
		return "acr_unmet"
	}
	// What is only wished for changes nothing, and a session of a password meets the rest.
	// §3.1.2.3: "The End-User is not already Authenticated."
	if s.session != "alive" {
		return page("login page", "login_required")
	}
	// §3.1.2.1, id_token_hint: whoever else is signed in is not the answer, and who has
	// just signed in as somebody else is not asked for ever.
	if s.hint != "" && s.hint != "ana" {
		if since {
			return "login_required"
		}
		return page("login page", "login_required")
	}
	// §3.1.2.1, prompt=login; max_age, of which zero is the same.
	again := slices.Contains(asks, "login") || s.maxAge == 0 || s.maxAge > 0 && age > s.maxAge
	if again && !since {
		return page("login page", "login_required")
	}
	// §3.1.2.1, prompt=select_account: done by the choice, and by a sign-in.
	if slices.Contains(asks, "select_account") && !since && (s.proven == "no page" || s.chosen != "ana") {
		return page("account page", "account_selection_required")
	}
	// §3.1.2.4 and §3.1.2.1, prompt=consent.
	if slices.Contains(asks, "consent") || s.consent != "all" && !s.own {
		return page("consent page", "consent_required")
	}
	return "code"
}

func (s situation) decide() Outcome[AuthorizeAnswer] {
	st := pageState()
	st.Client.Settings.FirstParty = s.own
	req := &st.Interaction.Request
	req.Prompt = strings.Fields(s.prompt)
	switch {
	case s.maxAge < 0:
	case s.usual:
		st.Client.Settings.DefaultMaxAge = &s.maxAge
	default:
		req.MaxAge = &s.maxAge
		never := int64(1_000_000)
		st.Client.Settings.DefaultMaxAge = &never // what the request says stands
	}
	st.Interaction.Chosen = s.chosen
	if kill, dead := deadSessions()[s.session]; dead {
		kill(&st.Parents)
	}
	if s.session == "none" {
		st.Session, st.User, st.Parents = nil, nil, record.Parents{}
	} else if s.proven == "since" {
		st.Session.AuthTime = pageMade
	}
	switch s.consent {
	case "none":
		st.Consent = nil
	case "less":
		st.Consent.Scope = []string{"openid"}
	}
	req.Claims = s.claims()
	if s.acr == "wish" {
		req.ACRValues = []string{"phr", "aal3"} // §3.1.2.1: "requested as a Voluntary Claim"
	}
	var hint *record.VerifiedToken
	if s.hint != "" && s.by == "hint" {
		hint = &record.VerifiedToken{Subject: s.hint, ExpiresAt: 1}
	}
	if s.proven == "no page" {
		return Authorize(Ask{Request: req, Hint: hint, By: pageBrowser()}, &st.AuthorizeState, tokenEnv())
	}
	return Resume(st, hint, pageBrowser(), tokenEnv())
}

// claims is the claims parameter of the request.
func (s situation) claims() *oauth.ClaimsRequest {
	claims := &oauth.ClaimsRequest{EssentialACR: s.acr != "" && s.acr != "wish"}
	if s.hint != "" && s.by == "sub" {
		claims.Subjects = []string{s.hint}
	}
	switch s.acr {
	case "password":
		claims.ACRValues = []string{"phr", "aal1"}
	case "more":
		claims.ACRValues = []string{"phr", "aal2"}
	}
	return claims
}

// writes counts the changes of one kind.
func writes[C record.Change](got Outcome[AuthorizeAnswer]) int {
	n := 0
	for _, change := range got.Changes {
		if _, ok := change.(C); ok {
			n++
		}
	}
	return n
}

// check holds what is true of every decision.
func (s situation) check(got Outcome[AuthorizeAnswer]) string {
	put, use := writes[record.PutInteraction](got), writes[record.UseInteraction](got)
	code, see := writes[record.PutCode](got), writes[record.SeeSession](got)
	gives, waits := where(got) == "code", s.proven != "no page"
	page := got.Answer.Page != PageNone
	switch {
	case use == 1 && waits && got.Err != nil && (s.acr == "more" || s.hint == "bob" && s.proven == "since"):
		return "" // no way leads on from the page
	case put+use+code+see != len(got.Changes):
		return "it writes something else"
	case !got.Answer.CanRedirect || got.Answer.To.String() != tokenRedirect || got.Answer.State != "a state":
		return "its answer does not go back to the client"
	case gives != (got.Answer.Code != "") || gives != (code == 1) || gives != (see == 1):
		return "a code and its row do not go together"
	case (gives && waits) != (use == 1):
		return "a page is spent by a code and by nothing else"
	case (page && !waits) != (put == 1) || (put == 1) != (got.Answer.Interaction != ""):
		return "a page is put up once, for a request that does not wait on one"
	case s.prompt == "none" && !waits && (page || !gives && len(got.Changes) > 0):
		return "prompt=none shows a page, or writes"
	case gives && s.session != "alive":
		return "a code comes from a session that is not alive"
	}
	return ""
}

func TestEverySituationAtTheAuthorizationEndpoint(t *testing.T) {
	sessions := []string{"none", "alive", "ended", "user cut"} // TestADeadSessionIsNone has the others
	reached := map[string]int{}
	for _, s := range situations(sessions) {
		if s.hint == "" && s.by == "sub" || s.maxAge < 0 && s.usual {
			continue // as another, in words that say nothing
		}
		got := s.decide()
		if where(got) != s.want() {
			t.Fatalf("%+v: %s, want %s", s, where(got), s.want())
		}
		if wrong := s.check(got); wrong != "" {
			t.Fatalf("%+v: %s: %v", s, wrong, got.Changes)
		}
		reached[where(got)]++
	}
	for _, end := range []string{"code", "login page", "account page", "consent page", "login_required", "consent_required", "acr_unmet"} {
		if reached[end] == 0 {
			t.Errorf("no situation leads to %s", end)
		}
	}
}

func situations(sessions []string) []situation {
	all := []situation{{}}
	each := func(n int, set func(*situation, int)) {
		var next []situation
		for _, s := range all {
			for i := range n {
				set(&s, i)
				next = append(next, s)
			}
		}
		all = next
	}
	prompts := []string{
		"", "none", "login", "consent", "select_account", "create",
		"login consent", "login select_account", "consent select_account", "login consent select_account",
	}
	ages := []int64{-1, 0, 119, 120, 599, 600}
	hints := []string{"", "ana", "bob"}
	needs := []string{"", "any", "wish", "password", "more"}
	proofs := []string{"no page", "before", "since"}
	choices := []string{"", "ana"}
	consents := []string{"none", "less", "all"}
	each(len(prompts), func(s *situation, i int) { s.prompt = prompts[i] })
	each(len(ages), func(s *situation, i int) { s.maxAge = ages[i] })
	each(2, func(s *situation, i int) { s.usual = i == 1 })
	each(len(sessions), func(s *situation, i int) { s.session = sessions[i] })
	each(len(hints), func(s *situation, i int) { s.hint = hints[i] })
	each(2, func(s *situation, i int) { s.by = []string{"hint", "sub"}[i] })
	each(len(needs), func(s *situation, i int) { s.acr = needs[i] })
	each(len(proofs), func(s *situation, i int) { s.proven = proofs[i] })
	each(len(choices), func(s *situation, i int) { s.chosen = choices[i] })
	each(len(consents), func(s *situation, i int) { s.consent = consents[i] })
	each(2, func(s *situation, i int) { s.own = i == 1 })
	return all
}

// TestAnAccountIsChosenOnce: the choice is kept while consent is asked for, counts
// for whom the page offered, and spends nothing by itself.
func TestAnAccountIsChosenOnce(t *testing.T) {
	st := pageState()
	st.Interaction.Request.Prompt = []string{"select_account", "consent"}
	by, env := pageBrowser(), tokenEnv()
	if got := Resume(st, nil, by, env); where(got) != "account page" || len(got.Changes) != 0 {
		t.Fatalf("before the choice: %s, %v", where(got), got.Changes)
	}
	if got := Choose(ChooseForm{UserID: "bob"}, by, st, nil, env); where(got) != "account page" || len(got.Changes) != 0 {
		t.Errorf("the choice of somebody else: %s, %v", where(got), got.Changes)
	}
	got := Choose(ChooseForm{UserID: "ana"}, by, st, nil, env)
	want := []record.Change{record.ChooseAccount{IDHash: st.Interaction.IDHash, UserID: "ana"}}
	if diff := diffChanges(want, got.Changes); where(got) != "consent page" || diff != "" {
		t.Fatalf("after the choice: %s (-want +got):\n%s", where(got), diff)
	}
	st.Interaction.Chosen = "ana"
	if got := Consent(answered(true, st), by, st, nil, env); where(got) != "code" {
		t.Errorf("after consent: %s", where(got))
	}
	st.Session.UserID, st.User.ID = "bob", "bob" // somebody else has signed in since
	if got := Consent(answered(true, st), by, st, nil, env); where(got) != "account page" {
		t.Errorf("somebody else's consent: %s", where(got))
	}
}

// TestADeadSessionIsNone: whatever it died of, the user signs in first.
func TestADeadSessionIsNone(t *testing.T) {
	for cause := range deadSessions() {
		for prompt, want := range map[string]string{"": "login page", "none": "login_required", "select_account": "login page", "consent": "login page"} {
			s := situation{prompt: prompt, maxAge: -1, session: cause, proven: "no page", consent: "all"}
			if got := s.decide(); where(got) != want || where(got) != s.want() {
				t.Errorf("%s, prompt %q: %s, want %s", cause, prompt, where(got), want)
			}
		}
	}
}

// TestASessionWithoutAProofDoesNotMeetAnEssentialACR: OpenID Connect Core §5.5.1.1.
// A sign-in may help; one that did not is the end of it.
func TestASessionWithoutAProofDoesNotMeetAnEssentialACR(t *testing.T) {
	st := pageState()
	st.Session.Proofs = nil
	st.Interaction.Request.Claims = &oauth.ClaimsRequest{EssentialACR: true}
	if got := Resume(st, nil, pageBrowser(), tokenEnv()); where(got) != "login page" {
		t.Errorf("before a sign-in: %s", where(got))
	}
	st.Session.AuthTime = tokenNow
	if got := Resume(st, nil, pageBrowser(), tokenEnv()); where(got) != "acr_unmet" {
		t.Errorf("after it: %s", where(got))
	}
}
