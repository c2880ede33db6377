package decide

import (
	"slices"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// pairwiseID is an id of ours; ana's is none.
var pairwiseID = secret.Seed{9}.ID("user")

// pairwise makes a client one of a sector.
func pairwise(client *record.Client) *record.Client {
	client.Settings.SubjectType, client.Settings.RedirectURIs = record.SubjectPairwise, []string{tokenRedirect}
	client.Sector = client.Settings.Sector()
	return client
}

// pairwiseState is a page's whose client knows the user by another sub.
func pairwiseState() *record.InteractionState {
	st := pageState()
	pairwise(st.Client)
	st.Session.UserID, st.User.ID, st.Consent.UserID, st.Parents.UserID = pairwiseID, pairwiseID, pairwiseID, pairwiseID
	return st
}

// TestASubIsNotedWhenItIsFirstGiven: tokens.md, part 2; in the plan of the code,
// before any token can carry it, and once.
func TestASubIsNotedWhenItIsFirstGiven(t *testing.T) {
	env := tokenEnv()
	sub := env.SubjectFor(pairwiseState().Client, pairwiseID)
	if sub == pairwiseID || !secret.ValidID(sub) {
		t.Fatalf("the sub is %q", sub)
	}
	notes := func(had ...string) []record.GiveSubject {
		st := pairwiseState()
		st.User.Subs = had
		got := Resume(st, nil, pageBrowser(), env)
		if where(got) != "code" {
			t.Fatalf("it leads to %s", where(got))
		}
		var notes []record.GiveSubject
		for _, change := range got.Changes {
			if note, ok := change.(record.GiveSubject); ok {
				notes = append(notes, note)
			}
		}
		return notes
	}
	if got := notes("another"); len(got) != 1 || got[0].Sub != sub || got[0].UserID != pairwiseID || !slices.Equal(got[0].Had, []string{"another"}) {
		t.Errorf("the first time: %v", got)
	}
	if got := notes("another", sub); got != nil {
		t.Errorf("again: %v", got)
	}
}

// TestAHintIsReadInTheClientsOwnSector: OpenID Connect Core §3.1.2.1, §5.5.1. By
// the sub that others know, nobody is found out.
func TestAHintIsReadInTheClientsOwnSector(t *testing.T) {
	env := tokenEnv()
	st := pairwiseState()
	sub := env.SubjectFor(st.Client, pairwiseID)
	for hint, want := range map[string]string{sub: "code", pairwiseID: "login page", env.Pairwise.Subject("other.example", pairwiseID): "login page"} {
		if got := where(Resume(st, &record.VerifiedToken{Subject: hint}, pageBrowser(), env)); got != want {
			t.Errorf("hint %s leads to %s, want %s", hint, got, want)
		}
		asked := pairwiseState()
		asked.Interaction.Request.Claims = &oauth.ClaimsRequest{Subjects: []string{hint}}
		if got := where(Resume(asked, nil, pageBrowser(), env)); got != want {
			t.Errorf("sub %s leads to %s, want %s", hint, got, want)
		}
	}
	logout := &record.LogoutState{Client: st.Client, SessionState: record.SessionState{Session: st.Session, User: st.User, Parents: st.Parents}}
	for hint, asks := range map[string]bool{sub: false, pairwiseID: true} {
		got := Logout(LogoutAsk{Request: &oauth.LogoutRequest{}, Hint: &record.VerifiedToken{Subject: hint}}, logout, env)
		if got.Answer.Ask != asks {
			t.Errorf("a logout with the hint %s asks: %v", hint, got.Answer.Ask)
		}
	}
}

// TestEveryTokenOfAGrantHasTheSameSub: OpenID Connect Core §8.1, §12.2.
func TestEveryTokenOfAGrantHasTheSameSub(t *testing.T) {
	env := tokenEnv()
	first := newExchange(pairwise(tokenClient()))
	first.st.Code.UserID, first.st.Parents.UserID = pairwiseID, pairwiseID
	made := first.run()
	wantRefusal(t, made.Err, "", "")
	again := newRefresh(pairwise(tokenClient()), 5)
	again.st.Grant.UserID, again.st.Parents.UserID = pairwiseID, pairwiseID
	renewed := again.run()
	wantRefusal(t, renewed.Err, "", "")
	want := env.SubjectFor(first.st.Client, pairwiseID)
	for name, sub := range map[string]string{
		"access": made.Answer.Access.Subject, "ID": made.Answer.ID.Subject, "renewed access": renewed.Answer.Access.Subject, "renewed ID": renewed.Answer.ID.Subject,
	} {
		if sub != want {
			t.Errorf("%s: %s, want %s", name, sub, want)
		}
	}
	if env.UserOf(first.st.Client, want) != pairwiseID {
		t.Error("the user is not found again")
	}
}

// TestAnEndHitsEveryNameOfTheUser: tokens.md, part 2, "one entry per sub it has
// been given, in one append".
func TestAnEndHitsEveryNameOfTheUser(t *testing.T) {
	env := tokenEnv()
	client := pairwise(tokenClient())
	sub := env.SubjectFor(client, pairwiseID)
	user := &record.User{ID: pairwiseID, Status: record.UserActive, Subs: []string{"one", "two"}}
	account := &record.SessionState{Session: pageSession(), User: user, Parents: pageParents()}
	account.Session.UserID, account.Parents.UserID = pairwiseID, pairwiseID
	both := []revocation.Target{revocation.ForSub(pairwiseID), revocation.ForSub("one"), revocation.ForSub("two")}
	for name, c := range map[string]struct {
		changes []record.Change
		want    []revocation.Target
	}{
		"disabled":   {DisableUser(user, "admin", env), both},
		"deleted":    {DeleteUser(user, "admin", env), both},
		"password":   {SetPassword(user, "x", "admin", env), both},
		"live alone": {End(Ending{Target: revocation.ForSub(pairwiseID), Subs: user.Subs, KeepRow: true}, env), both},
		"everywhere": {SignOutEverywhere(account, env).Changes, append(slices.Clone(both), revocation.ForSID("session"))},
		"app removed": {
			RemoveApp(client, account, env).Changes,
			[]revocation.Target{revocation.ForConsent(pairwiseID, "shop"), revocation.ForConsent(sub, "shop")},
		},
		"public app removed": {RemoveApp(tokenClient(), account, env).Changes, []revocation.Target{revocation.ForConsent(pairwiseID, "shop")}},
	} {
		var got []revocation.Target
		for _, change := range c.changes {
			if entry, is := change.(record.Append); is {
				got = append(got, entry.Target)
			}
			if row, is := change.(record.CutUser); is && !slices.Equal(row.Subs, user.Subs) {
				t.Errorf("%s: the row is cut for %v", name, row.Subs)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestAClientWhoseUsersGetOtherSubjectsStartsAnew: no token of before says who is
// meant afterwards.
func TestAClientWhoseUsersGetOtherSubjectsStartsAnew(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*record.Client) *record.Client
		change func(*record.ClientSettings)
		ends   bool
	}{
		"another name":        {pairwise, func(*record.ClientSettings) {}, false},
		"pairwise from now":   {func(c *record.Client) *record.Client { pairwise(c).Settings.SubjectType = ""; return c }, func(s *record.ClientSettings) { s.SubjectType = record.SubjectPairwise }, true},
		"public from now":     {pairwise, func(s *record.ClientSettings) { s.SubjectType = record.SubjectPublic }, true},
		"another sector":      {pairwise, func(s *record.ClientSettings) { s.RedirectURIs = []string{"https://other.example/cb"} }, true},
		"the same by its URI": {pairwise, func(s *record.ClientSettings) { s.SectorIdentifierURI = "https://shop.example/list" }, false},
		"one more in it":      {pairwise, func(s *record.ClientSettings) { s.RedirectURIs = append(s.RedirectURIs, "https://SHOP.example:8443/x") }, false},
	} {
		client := c.before(tokenClient())
		settings := client.Settings
		settings.RedirectURIs = slices.Clone(settings.RedirectURIs)
		c.change(&settings)
		ends := slices.ContainsFunc(UpdateClient(client, "New", settings, "admin", tokenEnv()), func(change record.Change) bool {
			_, is := change.(record.CutClient)
			return is
		})
		if ends != c.ends {
			t.Errorf("%s: it ends %v", name, ends)
		}
	}
}
