package decide

import (
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// newLinking is an arrival, in ana's session, of an account that nobody has here.
func newLinking() *arriveCase {
	c := newArrival()
	c.a.Trip.Link, c.a.Trip.Interaction = "session", ""
	c.st.Interaction, c.st.User = nil, nil
	c.st.Current, c.st.CurrentParents = pageSession(), pageParents()
	c.st.Current.AuthTime = tokenNow - recentSignIn + 1
	return c
}

// TestLinkingNeedsBothAccountsProven: ASVS 6.8.1, 7.5.1. This one by a recent sign-in, that one by the trip, in one session.
func TestLinkingNeedsBothAccountsProven(t *testing.T) {
	c := newLinking()
	gone := DepartToLink(c.by, &c.st, c.env)
	wantRefusal(t, gone.Err, "", "")
	if trip := gone.Answer.Trip; trip.Link != "session" || trip.MaxAge != nil || len(gone.Changes) != 0 {
		t.Errorf("the trip is %+v, and %v is written", trip, gone.Changes)
	}
	for _, p := range gone.Answer.Params {
		if p.Name == "prompt" || p.Name == "max_age" {
			t.Errorf("the upstream is asked for %s", p.Name)
		}
	}
	for name, row := range map[string]struct {
		change func(*arriveCase)
		want   oauth.Reason
	}{
		"nobody is signed in":   {func(c *arriveCase) { c.st.Current = nil }, oauth.ReasonLoginRequired},
		"the session has ended": {func(c *arriveCase) { c.st.CurrentParents.SessionEndedAt = 1 }, oauth.ReasonLoginRequired},
		"signed in before":      {func(c *arriveCase) { c.st.Current.AuthTime-- }, oauth.ReasonSignInNotRecent},
	} {
		c := newLinking()
		row.change(c)
		if got := DepartToLink(c.by, &c.st, c.env); got.Err == nil || got.Err.Reason != row.want {
			t.Errorf("%s: %v", name, got.Err)
		}
	}

	c = newLinking()
	wantRefusal(t, c.begin().Err, "", "")
	got := c.finish()
	wantRefusal(t, got.Err, "", "")
	want := []record.Change{
		record.PutLink{Link: record.Link{ID: c.env.Seed.ID("link"), Issuer: foreignIssuer, Subject: "ana there", UserID: "ana", MadeAt: tokenNow}},
		record.Audit{At: tokenNow, Event: "account_linked", Actor: ActorUser("ana"), UserID: "ana", Detail: "upstream harbour"},
	}
	if diff := diffChanges(want, got.Changes); diff != "" || got.Answer.Cookie != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	for name, row := range map[string]struct {
		change func(*arriveCase)
		want   oauth.Reason
	}{
		"in another session":  {func(c *arriveCase) { c.st.Current.ID = "another" }, oauth.ReasonLoginRequired},
		"in none":             {func(c *arriveCase) { c.st.Current = nil }, oauth.ReasonLoginRequired},
		"in one that is dead": {func(c *arriveCase) { c.st.CurrentParents.UserCut = tokenLC }, oauth.ReasonLoginRequired},
	} {
		t.Run(name, func(t *testing.T) {
			c := newLinking()
			row.change(c)
			for _, err := range []*oauth.Error{c.begin().Err, c.finish().Err} {
				wantRefusal(t, err, row.want, oauth.LoginRequired)
			}
		})
	}
	c = newLinking()
	c.st.User = &record.User{ID: "bob", Status: record.UserActive}
	got = c.finish()
	wantRefusal(t, got.Err, oauth.ReasonForeignAccountLinked, oauth.AccessDenied)
	if len(got.Changes) != 2 {
		t.Errorf("it is not counted and audited: %v", got.Changes)
	}
	c.st.User = pageUser()
	if got = c.finish(); got.Err != nil || got.Changes != nil {
		t.Errorf("linked already: %v %v", got.Err, got.Changes)
	}
	c = newLinking()
	c.st.Upstream.Settings.Issuer = "https://new.example"
	wantRefusal(t, c.finish().Err, oauth.ReasonUpstreamUnknown, oauth.InvalidRequest)
}

// linksOf is ana with a password and one account elsewhere.
func linksOf() *record.LinksState {
	session := pageSession()
	session.AuthTime = tokenNow - minute
	return &record.LinksState{
		SessionState: record.SessionState{LC: tokenLC, Session: session, User: pageUser(), Password: pageFactor(), Parents: pageParents()},
		Links:        []record.Link{{ID: "one", Issuer: foreignIssuer, Subject: "ana there", UserID: "ana"}},
		Upstreams:    []record.Upstream{{ID: "harbour", Settings: record.UpstreamSettings{Issuer: foreignIssuer}}},
	}
}

// TestTheLastWayInStays, and what is taken away ends what is signed in elsewhere (ASVS 7.4.3).
func TestTheLastWayInStays(t *testing.T) {
	another := record.Link{ID: "two", Issuer: "https://strand.example", UserID: "ana"}
	for name, row := range map[string]struct {
		change func(*record.LinksState)
		want   oauth.Reason
		code   oauth.Code
		last   bool // the guard is that there is another
	}{
		"there is a password":        {func(*record.LinksState) {}, "", "", false},
		"there is nothing else":      {func(st *record.LinksState) { st.Password = nil }, oauth.ReasonLastWayIn, oauth.AccessDenied, false},
		"a password without a name":  {func(st *record.LinksState) { st.User.Email = nil }, oauth.ReasonLastWayIn, oauth.AccessDenied, false},
		"another that leads nowhere": {func(st *record.LinksState) { st.Password, st.Links = nil, append(st.Links, another) }, oauth.ReasonLastWayIn, oauth.AccessDenied, false},
		"another": {func(st *record.LinksState) {
			st.Password, st.Links = nil, append(st.Links, another)
			st.Upstreams = append(st.Upstreams, record.Upstream{ID: "strand", Settings: record.UpstreamSettings{Issuer: another.Issuer}})
		}, "", "", true},
		"signed in before":    {func(st *record.LinksState) { st.Session.AuthTime = tokenNow - recentSignIn }, oauth.ReasonSignInNotRecent, oauth.LoginRequired, false},
		"nobody is signed in": {func(st *record.LinksState) { st.Session = nil }, oauth.ReasonLoginRequired, oauth.LoginRequired, false},
	} {
		t.Run(name, func(t *testing.T) {
			st := linksOf()
			row.change(st)
			got := Unlink("one", st, tokenEnv())
			wantRefusal(t, got.Err, row.want, row.code)
			var want []record.Change
			if row.want == "" {
				want = append([]record.Change{
					record.DeleteLink{ID: "one", UserID: "ana", NotLast: row.last},
					record.Audit{At: tokenNow, Event: "account_unlinked", Actor: ActorUser("ana"), UserID: "ana", Detail: foreignIssuer},
				}, append(userEnding("account_unlinked"), record.MarkSession{ID: "session"})...)
			}
			if diff := diffChanges(want, got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
	if got := Unlink("another's", linksOf(), tokenEnv()); got.Err != nil || got.Changes != nil {
		t.Errorf("what is not theirs: %v %v", got.Err, got.Changes)
	}
}

// TestAnAdministratorTakesTheLastWayInToo, and all that the user has ends.
func TestAnAdministratorTakesTheLastWayInToo(t *testing.T) {
	link := linksOf().Links[0]
	got := UnlinkByAdmin(pageUser(), &link, ActorAdmin, tokenEnv())
	want := append([]record.Change{
		record.DeleteLink{ID: "one", UserID: "ana"},
		record.Audit{At: tokenNow, Event: "account_unlinked", Actor: ActorAdmin, UserID: "ana", Detail: foreignIssuer},
	}, tokenEnding(revocation.ForSub("ana"), "account_unlinked", ActorAdmin, record.CutUser{UserID: "ana"}, record.Audit{Event: "user_cut", UserID: "ana"})...)
	if diff := diffChanges(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
