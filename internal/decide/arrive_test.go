package decide

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// arriveCase is an arrival on a page that waits, of somebody who is known here.
type arriveCase struct {
	a   Arrival
	by  Browser
	st  record.ArrivalState
	env Env
}

func newArrival() *arriveCase {
	c := &arriveCase{
		a: Arrival{
			Upstream: "harbour", Trip: foreignTrip(), Code: "a code", LC: tokenLC - 3,
			Who: ForeignUser{Issuer: foreignIssuer, Subject: "ana there", Email: "ana@shop.example", EmailVerified: true, Name: "Ana"},
		},
		by: pageBrowser(), env: tokenEnv(),
		st: record.ArrivalState{
			LoginState: record.LoginState{
				ClientState: tokenClientState(pageClient()), Interaction: pageInteraction(), User: pageUser(), Counters: map[string]record.Counter{},
			},
			Upstream: &record.Upstream{ID: "harbour", Version: 1, Settings: record.UpstreamSettings{
				Name: "Harbour", Issuer: foreignIssuer, ClientID: foreignOurID, SignUp: true,
			}},
		},
	}
	policy := *c.env.Policy
	policy.SignUp = true
	c.env.Policy = &policy
	return c
}

func (c *arriveCase) begin() Outcome[int64] { return ArriveBegin(c.a, c.by, &c.st, c.env) }

func (c *arriveCase) finish() Outcome[LoginAnswer] { return ArriveFinish(c.a, c.by, &c.st, c.env) }

func (c *arriveCase) network() string { return ArrivalCounters(c.by)[0] }

// TestATripEndsOnceWhereItLed: RFC 6749 §10.12, RFC 9700 §4.4.2, RFC 9207 §2.4.
func TestATripEndsOnceWhereItLed(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*arriveCase)
		want   oauth.Reason
		code   oauth.Code
		spent  bool // the trip is over by it
	}{
		"right":                         {func(*arriveCase) {}, "", "", true},
		"right, with its iss":           {func(c *arriveCase) { c.a.Issuer, c.a.SendsIss = foreignIssuer, true }, "", "", true},
		"no trip of this browser":       {func(c *arriveCase) { c.a.Trip = nil }, oauth.ReasonUpstreamState, oauth.InvalidRequest, false},
		"no browser":                    {func(c *arriveCase) { c.by.Hash = nil }, oauth.ReasonUpstreamState, oauth.InvalidRequest, false},
		"over already":                  {func(c *arriveCase) { c.st.Spent = true }, oauth.ReasonUpstreamState, oauth.InvalidRequest, false},
		"too long":                      {func(c *arriveCase) { c.a.Trip.At = tokenNow - 15*minute }, oauth.ReasonUpstreamState, oauth.InvalidRequest, false},
		"at another's address":          {func(c *arriveCase) { c.a.Upstream = "strand" }, oauth.ReasonUpstreamMixedUp, oauth.AccessDenied, false},
		"from another":                  {func(c *arriveCase) { c.a.Issuer = "https://evil.example" }, oauth.ReasonUpstreamMixedUp, oauth.AccessDenied, false},
		"without the iss that it sends": {func(c *arriveCase) { c.a.SendsIss = true }, oauth.ReasonUpstreamMixedUp, oauth.AccessDenied, false},
		"of an upstream that is gone":   {func(c *arriveCase) { c.st.Upstream = nil }, oauth.ReasonUpstreamUnknown, oauth.InvalidRequest, false},
		"of one that is another by now": {func(c *arriveCase) { c.st.Upstream.Settings.Issuer = "https://new.example" }, oauth.ReasonUpstreamUnknown, oauth.InvalidRequest, false},
		"to a page that is answered":    {func(c *arriveCase) { c.st.Interaction.UsedAt = 1 }, oauth.ReasonInteractionUsed, oauth.InvalidRequest, false},
		"to a page of another browser":  {func(c *arriveCase) { c.st.Interaction.BrowserHash = secret.Hash("x") }, oauth.ReasonInteractionOtherBrowser, oauth.InvalidRequest, false},
		"from a network that misses": {func(c *arriveCase) {
			c.st.Counters[c.network()] = record.Counter{N: networkMisses, WindowEnds: tokenNow + 1}
		}, oauth.ReasonTooManyAttempts, oauth.AccessDenied, false},
		"with a no":                      {func(c *arriveCase) { c.a.Error, c.a.Code = "access_denied", "" }, oauth.ReasonUpstreamDenied, oauth.AccessDenied, true},
		"with another error":             {func(c *arriveCase) { c.a.Error = "server_error" }, oauth.ReasonUpstreamError, oauth.AccessDenied, true},
		"with neither code nor an error": {func(c *arriveCase) { c.a.Code = "" }, oauth.ReasonUpstreamError, oauth.AccessDenied, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newArrival()
			row.change(c)
			got := c.begin()
			if got.Err == nil && row.want != "" || got.Err != nil && (got.Err.Reason != row.want || row.want != oauth.ReasonTooManyAttempts && got.Err.Code != row.code) {
				t.Fatalf("%v, not %s", got.Err, row.want)
			}
			var want []record.Change
			if row.spent {
				want = []record.Change{record.Spend{KeyHash: TripKey(c.a.Trip), EndsAt: c.a.Trip.At + 15*minute}}
			}
			if diff := cmp.Diff(want, got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if got.Err == nil && got.Answer != tokenLC {
				t.Errorf("the session would vouch for %d", got.Answer)
			}
		})
	}
}

// TestAForeignAccountSignsItsUserIn: by the link that is there, with no word of how.
func TestAForeignAccountSignsItsUserIn(t *testing.T) {
	c := newArrival()
	c.a.Who.AuthTime = tokenNow - hour
	c.st.Consent = &record.Consent{UserID: "ana", ClientID: "shop", Scope: []string{"email", "openid"}}
	got := c.finish()
	wantRefusal(t, got.Err, "", "")
	if diff := cmp.Diff(record.UseLink{Issuer: foreignIssuer, Subject: "ana there", UserID: "ana", At: tokenNow}, got.Changes[0]); diff != "" {
		t.Errorf("the guard (-want +got):\n%s", diff)
	}
	put, ok := got.Changes[1].(record.PutSession)
	if !ok {
		t.Fatalf("there is no session in %v", got.Changes)
	}
	s := put.Session
	proof := []record.Proof{{Factor: record.FactorUpstream, At: tokenNow, Issuer: foreignIssuer}}
	if diff := cmp.Diff(proof, s.Proofs); diff != "" || s.AuthTime != tokenNow-hour || s.RVS != tokenLC-3 || s.UserID != "ana" || put.FactorID != "" {
		t.Errorf("the session is %+v\n%s", s, diff)
	}
	if facts := SessionFacts(&s); facts.ACR != "" || facts.AMR != nil || facts.AuthTime != tokenNow-hour {
		t.Errorf("its tokens would say %+v", facts)
	}
	if where := got.Answer.Next; got.Answer.UserID != "ana" || where.Code == "" {
		t.Errorf("the request that waited leads to %+v", where)
	}
}

// TestWhenAnUpstreamSignedSomebodyIn: what it says, now where it says nothing, never later than now, and on the trip where it was asked to.
func TestWhenAnUpstreamSignedSomebodyIn(t *testing.T) {
	zero := int64(0)
	for name, row := range map[string]struct {
		said int64
		age  *int64
		want int64
	}{
		"not said":          {0, nil, tokenNow},
		"long ago":          {tokenNow - hour, nil, tokenNow - hour},
		"ahead":             {tokenNow + 10*second, nil, tokenNow},
		"anew, by its time": {tokenNow - 20*second, &zero, tokenNow - 5*second},
	} {
		c := newArrival()
		c.a.Who.AuthTime, c.a.Trip.MaxAge = row.said, row.age
		if got := whenSignedIn(&c.a, c.env); got != row.want {
			t.Errorf("%s: %d, not %d", name, got, row.want)
		}
	}
}

// TestAStrangerBecomesAUserIfBothSwitchesSay: V7, and no address links anything (ASVS 6.8.1).
func TestAStrangerBecomesAUserIfBothSwitchesSay(t *testing.T) {
	stranger := func() *arriveCase {
		c := newArrival()
		c.st.User = nil
		return c
	}
	c := stranger()
	got := c.finish()
	wantRefusal(t, got.Err, "", "")
	changes, user := madeUser(c.env, `{"name":"Ana"}`, "", ActorServer, tokenNow)
	name := SignUpCounters(c.by)[0]
	want := append(changes,
		record.CountAttempt{Name: name, Limit: signUps, At: tokenNow, WindowEnds: tokenNow + signUpWindow},
		record.PutLink{Link: record.Link{
			ID: c.env.Seed.ID("link"), Issuer: foreignIssuer, Subject: "ana there", UserID: user.ID, MadeAt: tokenNow, UsedAt: tokenNow,
		}},
		record.Audit{At: tokenNow, Event: "signed_up", Actor: ActorServer, UserID: user.ID, ClientID: "shop", Detail: "upstream harbour"})
	if diff := diffUser(want, got.Changes[:len(want)]); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if put, ok := got.Changes[len(want)].(record.PutSession); !ok || put.Session.UserID != user.ID {
		t.Errorf("the session is %+v", got.Changes[len(want)])
	}
	for what, row := range map[string]struct {
		change func(*arriveCase)
		want   oauth.Reason
	}{
		"the upstream lets nobody in": {func(c *arriveCase) { c.st.Upstream.Settings.SignUp = false }, oauth.ReasonForeignAccountUnknown},
		"the server lets nobody in":   {func(c *arriveCase) { c.env.Policy.SignUp = false }, oauth.ReasonForeignAccountUnknown},
		"the address is taken":        {func(c *arriveCase) { c.st.Taken = "bob" }, oauth.ReasonForeignAddressTaken},
		"too many of a network":       {func(c *arriveCase) { c.st.Counters[name] = record.Counter{N: signUps, WindowEnds: tokenNow + 1} }, oauth.ReasonTooManyAttempts},
	} {
		c := stranger()
		row.change(c)
		got := c.finish()
		if got.Err == nil || got.Err.Reason != row.want {
			t.Fatalf("%s: %v", what, got.Err)
		}
		want := []record.Change{
			record.CountAttempt{Name: c.network(), Limit: uncountedLimit, At: tokenNow, WindowEnds: tokenNow + networkWindow},
			record.Audit{
				At: tokenNow, Event: "sign_in_failed", Actor: ActorServer, ClientID: "shop",
				Key: string(row.want) + " upstream harbour", Detail: string(row.want) + " upstream harbour",
			},
		}
		if diff := diffUser(want, got.Changes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	// What is no proof is left out: an address that nobody has verified, and names that are none.
	c = stranger()
	c.a.Who.EmailVerified, c.a.Who.Name, c.a.Who.GivenName, c.a.Who.FamilyName = false, "a\u202eb", strings.Repeat("x", 201), " x"
	for _, change := range c.finish().Changes {
		if put, ok := change.(record.PutIdentifier); ok {
			t.Errorf("it has the address %s", put.Identifier.Value)
		}
		if put, ok := change.(record.PutUser); ok && string(put.User.Claims) != "{}" {
			t.Errorf("it is called %s", put.User.Claims)
		}
	}
}

func TestADisabledUserOrAChangedUpstreamSignsNobodyIn(t *testing.T) {
	c := newArrival()
	c.st.User.Status = record.UserDisabled
	if got := c.finish(); got.Err == nil || got.Err.Reason != oauth.ReasonUserDisabled || len(got.Changes) != 2 {
		t.Errorf("disabled: %v, with %v", got.Err, got.Changes)
	}
	for name, change := range map[string]func(*arriveCase){
		"gone":           func(c *arriveCase) { c.st.Upstream = nil },
		"another issuer": func(c *arriveCase) { c.st.Upstream.Settings.Issuer = "https://new.example" },
	} {
		c := newArrival()
		change(c)
		if got := c.finish(); got.Err == nil || got.Err.Reason != oauth.ReasonUpstreamUnknown || got.Changes != nil {
			t.Errorf("%s: %v", name, got.Err)
		}
	}
	c = newArrival()
	c.st.Interaction.UsedAt = 1
	if got := c.finish(); got.Err == nil || got.Err.Reason != oauth.ReasonInteractionUsed {
		t.Errorf("answered meanwhile: %v", got.Err)
	}
}

// TestABrowserIsSentWithWhatTheClientAskedFor: prompt and max_age are the upstream's to keep too.
func TestABrowserIsSentWithWhatTheClientAskedFor(t *testing.T) {
	age := int64(600)
	for name, row := range map[string]struct {
		change func(*arriveCase)
		prompt string
		maxAge string
	}{
		"nothing":         {func(*arriveCase) {}, "", ""},
		"prompt=login":    {func(c *arriveCase) { c.st.Interaction.Request.Prompt = []string{"login"} }, "login", "0"},
		"prompt=create":   {func(c *arriveCase) { c.st.Interaction.Request.Prompt = []string{"create"} }, "login", "0"},
		"another account": {func(c *arriveCase) { c.st.Interaction.Request.Prompt = []string{"select_account"} }, "select_account", ""},
		"max_age":         {func(c *arriveCase) { c.st.Interaction.Request.MaxAge = &age }, "", "600"},
		"default_max_age": {func(c *arriveCase) { c.st.Client.Settings.DefaultMaxAge = &age }, "", "600"},
		"signed in before": {func(c *arriveCase) {
			c.st.Interaction, c.st.Current, c.st.CurrentParents = nil, pageSession(), pageParents()
		}, "login", "0"},
		"to the account": {func(c *arriveCase) { c.st.Interaction = nil }, "", ""},
	} {
		c := newArrival()
		row.change(c)
		interaction := "page"
		if c.st.Interaction == nil {
			interaction = ""
		}
		got := Depart(interaction, c.by, &c.st, c.env)
		wantRefusal(t, got.Err, "", "")
		sent := map[string]string{}
		for _, p := range got.Answer.Params {
			sent[p.Name] = p.Value
		}
		trip := got.Answer.Trip
		want := map[string]string{
			"response_type": "code", "client_id": foreignOurID, "redirect_uri": tokenIssuer + "/login/upstream/harbour", "scope": "openid email profile",
			"nonce": trip.Nonce, "code_challenge": oauth.ChallengeOf(trip.Verifier), "code_challenge_method": "S256",
		}
		if row.prompt != "" {
			want["prompt"] = row.prompt
		}
		if row.maxAge != "" {
			want["max_age"] = row.maxAge
		}
		if diff := cmp.Diff(want, sent); diff != "" || len(got.Changes) != 0 || trip.Interaction != interaction || trip.At != tokenNow || trip.Issuer != foreignIssuer {
			t.Errorf("%s: %+v, writes %v (-want +got):\n%s", name, trip, got.Changes, diff)
		}
	}
	c := newArrival()
	c.st.Upstream = nil
	wantRefusal(t, Depart("page", c.by, &c.st, c.env).Err, oauth.ReasonUpstreamUnknown, oauth.InvalidRequest)
	c = newArrival()
	c.st.Interaction.BrowserHash = secret.Hash("another")
	wantRefusal(t, Depart("page", c.by, &c.st, c.env).Err, oauth.ReasonInteractionOtherBrowser, oauth.InvalidRequest)
	c = newArrival()
	c.by.Hash = nil
	wantRefusal(t, Depart("", c.by, &c.st, c.env).Err, oauth.ReasonInteractionOtherBrowser, oauth.InvalidRequest)
}
