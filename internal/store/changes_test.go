package store

import (
	"bytes"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

func TestAPlanOfNothingIsFine(t *testing.T) {
	s := open(t)
	before := dump(t, s)
	commit(t, s)
	if dump(t, s) != before {
		t.Error("it wrote something")
	}
}

func TestSessionsChange(t *testing.T) {
	s := world(t)
	want := session()
	read := func(what string) {
		t.Helper()
		same(t, what, must[*record.Session](t)(s.Session(t.Context(), "sid")), &want)
	}
	want.SeenAt, want.IdleUntil = noon+1, noon+2
	commit(t, s, record.SeeSession{ID: "sid", SeenAt: noon + 1, IdleUntil: noon + 2})
	read("seen")

	want.CookieHash, want.Proofs = []byte("cookie 2"), []record.Proof{{Factor: "password", At: noon}, {Factor: "otp", At: noon + 1}}
	want.AuthTime, want.RVS, want.SeenAt, want.IdleUntil = noon+3, noon+4, noon+5, noon+6
	commit(t, s, record.RenewSession{
		ID: "sid", OldCookieHash: []byte("cookie 1"), CookieHash: want.CookieHash, Proofs: want.Proofs,
		AuthTime: want.AuthTime, RVS: want.RVS, SeenAt: want.SeenAt, IdleUntil: want.IdleUntil,
	})
	read("renewed")

	// A plan that lifts the session above its own cut renews it too.
	commit(t, s,
		record.RenewSession{
			ID: "sid", OldCookieHash: want.CookieHash, CookieHash: []byte("cookie 3"), Proofs: want.Proofs,
			AuthTime: want.AuthTime, RVS: born, SeenAt: want.SeenAt, IdleUntil: want.IdleUntil,
		},
		record.Append{Target: revocation.ForSub("ana")}, record.CutUser{UserID: "ana"}, record.MarkSession{ID: "sid"})
	want.CookieHash, want.RVS = []byte("cookie 3"), head(t, s).LC
	read("lifted and renewed")

	want.EndedAt = noon + 7
	commit(t, s, record.EndSession{ID: "sid", At: noon + 7})
	commit(t, s, record.EndSession{ID: "sid", At: noon + 8}, record.SeeSession{ID: "sid", SeenAt: 1, IdleUntil: 1})
	read("ended, twice")
}

func TestGrantsChange(t *testing.T) {
	s := world(t)
	want := grant()
	read := func(what string) {
		t.Helper()
		same(t, what, must[*record.Grant](t)(s.Grant(t.Context(), "gid")), &want)
	}
	want.Gen, want.RotatedAt, want.IdleUntil = 5, noon+1, noon+2
	commit(t, s, record.RotateGrant{ID: "gid", From: 4, At: noon + 1, IdleUntil: noon + 2})
	read("rotated")
	want.LateGen, want.LateRun = 5, 2
	commit(t, s, record.NoteLate{ID: "gid", Gen: 5, WasGen: 3, WasRun: 1, LateGen: 5, LateRun: 2})
	read("late")
	want.IdleUntil = noon + 3
	commit(t, s, record.TouchGrant{ID: "gid", IdleUntil: noon + 3})
	read("touched")
	want.EndedAt = noon + 4
	commit(t, s, record.EndGrant{ID: "gid", At: noon + 4})
	commit(t, s, record.EndGrant{ID: "gid", At: noon + 5})
	read("ended, twice")
}

func TestUsersChange(t *testing.T) {
	s := world(t)
	want := ana()
	email, phone := anasEmail(), anasPhone()
	want.Email, want.Phone = &email, &phone
	read := func(what string) {
		t.Helper()
		same(t, what, must[*record.User](t)(s.User(t.Context(), "ana")), &want)
	}
	want.Status, want.Claims, want.Version = record.UserDisabled, nil, 3
	commit(t, s, record.UpdateUser{UserID: "ana", Status: record.UserDisabled, Version: 2})
	read("updated")
	commit(t, s, record.CutUser{UserID: "ana"})
	want.Cut, want.TokenVersion = head(t, s).LC, 4
	read("cut")
	email.Value, email.VerifiedAt = "ana@example.org", 0
	commit(t, s, record.ReplaceIdentifier{Identifier: email})
	read("with a new address")
	email.VerifiedAt = noon
	commit(t, s, record.ReplaceIdentifier{Identifier: email})
	read("with that address verified")
	want.Phone = nil
	commit(t, s, record.DeleteIdentifier{UserID: "ana", Kind: record.IdentifierPhone})
	read("without a phone")

	for _, c := range []record.PutFactor{
		{Factor: record.Factor{ID: "f2", UserID: "ana", Kind: "password", Data: "2", MadeAt: 2}, OldData: anasPassword().Data},
		{Factor: record.Factor{ID: "f2", UserID: "ana", Kind: "password", Data: "3", MadeAt: 3}},
		{Factor: record.Factor{ID: "f3", UserID: "ana", Kind: "password", Data: "4", MadeAt: 4}},
	} {
		commit(t, s, c)
		state := must[*record.SessionState](t)(s.SessionState(t.Context(), []byte("cookie 1"), nil))
		same(t, "password", state.Password, &c.Factor)
	}
}

func TestAnAccountThatAStrangerMadeLosesItsFactorsOnceItsAddressIsSeen(t *testing.T) {
	s := world(t)
	signedUp := func(want bool) {
		t.Helper()
		if got := must[bool](t)(s.SignedUp(t.Context(), "ana")); got != want {
			t.Errorf("signed up: %t", got)
		}
	}
	signedUp(false)
	commit(t, s, record.PutSignUp{UserID: "ana", At: noon})
	signedUp(true)
	commit(t, s, record.ConfirmSignUp{UserID: "ana"})
	signedUp(false)
	if state := must[*record.SessionState](t)(s.SessionState(t.Context(), []byte("cookie 1"), nil)); state.Password != nil {
		t.Errorf("the password is still there: %+v", state.Password)
	}
}

func TestASignUpIsReadWithItsPageAndWhoeverHasTheAddress(t *testing.T) {
	s := world(t)
	commit(t, s, record.CountAttempt{Name: "sign-up x", Limit: 9, At: noon, WindowEnds: noon + 1})
	got := must[*record.SignUpState](t)(s.SignUpState(t.Context(), SignUpQuery{
		InteractionHash: []byte("page 1"), Kind: record.IdentifierEmail, Identifier: anasEmail().Value, Counters: []string{"sign-up x"},
	}))
	page := interaction()
	same(t, "page", got.Interaction, &page)
	if got.UserID != "ana" || got.Counters["sign-up x"].N != 1 {
		t.Errorf("read %+v", got)
	}
	none := must[*record.SignUpState](t)(s.SignUpState(t.Context(), SignUpQuery{Kind: record.IdentifierEmail, Identifier: "nobody@example.com"}))
	if none.Interaction != nil || none.UserID != "" || len(none.Counters) != 0 {
		t.Errorf("read %+v", none)
	}
}

func TestADeletedUserLeavesNothingAlive(t *testing.T) {
	s := world(t)
	commit(t, s, record.PutSignUp{UserID: "ana", At: noon})
	commit(t, s, record.DeleteUser{UserID: "ana", At: noon})
	for _, table := range []string{"users", "identifiers", "factors", "consents", "sign_ups"} {
		if n := count(t, s, `SELECT count(*) FROM `+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	if got := must[*record.Session](t)(s.Session(t.Context(), "sid")); got.EndedAt != noon {
		t.Errorf("the session: %+v", got)
	}
	if got := must[*record.Grant](t)(s.Grant(t.Context(), "gid")); got.EndedAt != noon {
		t.Errorf("the grant: %+v", got)
	}
	state := must[*record.RefreshState](t)(s.RefreshState(t.Context(), "gid", "app"))
	if state.Parents.UserID != "ana" || state.Parents.UserStatus != "" {
		t.Errorf("the parents are %+v", state.Parents)
	}
}

func TestConsentsKeepTheirCutoff(t *testing.T) {
	s := world(t)
	read := func() record.Consent { return must[[]record.Consent](t)(s.ConsentList(t.Context(), "ana"))[0] }
	commit(t, s, record.CutConsent{UserID: "ana", ClientID: "app", At: noon + 1})
	cut := head(t, s).LC
	same(t, "cut", read(), record.Consent{UserID: "ana", ClientID: "app", Face: "a face", Cut: cut, MadeAt: noon - 1})
	again := record.Consent{UserID: "ana", ClientID: "app", Scope: []string{"email"}, Claims: []string{"phone_number"}, Face: "another", MadeAt: noon + 2}
	commit(t, s, record.PutConsent{Consent: again})
	again.Cut = cut
	same(t, "given again", read(), again)

	onWriter(t, s, `DELETE FROM consents`)
	commit(t, s, record.CutConsent{UserID: "ana", ClientID: "app", At: noon + 3})
	same(t, "cut without a row", read(), record.Consent{
		UserID: "ana", ClientID: "app", Cut: head(t, s).LC, MadeAt: noon + 3,
	})
}

func TestClientsChange(t *testing.T) {
	s := world(t)
	want := app()
	want.Cut = head(t, s).LC
	read := func(what string) {
		t.Helper()
		same(t, what, must[*record.Client](t)(s.Client(t.Context(), "app")), &want)
		same(t, what+", listed", must[[]*record.Client](t)(s.ClientList(t.Context(), "", 9)), []*record.Client{&want})
	}
	read("new")
	want.Name, want.Enabled, want.Version, want.Settings.Scope = "New", false, 2, "email"
	want.ScopeList = []string{"email"}
	commit(t, s, record.UpdateClient{ID: "app", Name: "New", Settings: want.Settings, Version: 1})
	read("updated")

	newer := record.ClientSecret{Hash: []byte("secret 2"), MadeAt: noon}
	want.Secrets = []record.ClientSecret{newer, want.Secrets[0]}
	want.Secrets[1].EndsAt = noon + 5
	commit(t, s, record.PutClientSecret{ClientID: "app", Secret: newer, OthersEnd: noon + 5})
	read("with two secrets")
	newest := record.ClientSecret{Hash: []byte("secret 3"), MadeAt: noon + 1}
	want.Secrets = append([]record.ClientSecret{newest}, want.Secrets...)
	want.Secrets[1].EndsAt = noon + 9 // and the oldest still ends at 5
	commit(t, s, record.PutClientSecret{ClientID: "app", Secret: newest, OthersEnd: noon + 9})
	read("with three secrets")

	commit(t, s, record.CutClient{ClientID: "app"})
	want.Cut = head(t, s).LC
	read("cut")

	commit(t, s, record.DeleteClient{ID: "app", At: noon})
	for _, table := range []string{"clients", "client_secrets", "codes", "consents"} {
		if n := count(t, s, `SELECT count(*) FROM `+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	if got := must[*record.Grant](t)(s.Grant(t.Context(), "gid")); got.EndedAt != noon {
		t.Errorf("the grant: %+v", got)
	}
	same(t, "deleted", must[*record.Client](t)(s.Client(t.Context(), "app")), (*record.Client)(nil))

	commit(t, s, record.PutClient{Client: app()})
	want = app()
	want.Cut = head(t, s).LC
	if want.Cut <= grant().RVS {
		t.Error("a grant of the old client would be alive again")
	}
	read("of the same name")
}

func TestResourcesChange(t *testing.T) {
	s := world(t)
	want := api()
	want.Cut = head(t, s).LC
	read := func(what string) {
		t.Helper()
		same(t, what, must[*record.Resource](t)(s.Resource(t.Context(), want.Aud)), &want)
		same(t, what+", listed", must[[]*record.Resource](t)(s.ResourceList(t.Context(), "", 9)), []*record.Resource{&want})
	}
	read("new")
	want.Settings, want.Version = record.ResourceSettings{Name: "New"}, 2
	commit(t, s, record.UpdateResource{Aud: want.Aud, Settings: want.Settings, Version: 1})
	read("updated")
	commit(t, s, record.CutResource{Aud: want.Aud})
	want.Cut = head(t, s).LC
	read("cut")
	commit(t, s, record.DeleteResource{Aud: want.Aud})
	same(t, "deleted", must[*record.Resource](t)(s.Resource(t.Context(), want.Aud)), (*record.Resource)(nil))
}

func TestKeysAndRootsChange(t *testing.T) {
	s := world(t)
	want := key()
	same(t, "new", must[[]record.SigningKey](t)(s.Keys(t.Context())), []record.SigningKey{want})
	want.Status, want.SignsFrom, want.PublishedUntil = record.KeyRetired, noon+1, noon+2
	commit(t, s, record.MoveKey{KID: "k1", From: record.KeyNext, To: record.KeyRetired, SignsFrom: noon + 1, PublishedUntil: noon + 2})
	same(t, "moved", must[[]record.SigningKey](t)(s.Keys(t.Context())), []record.SigningKey{want})

	root := record.SealedRoot{KeyID: 7, Use: record.RootRefresh, Sealed: bytes.Repeat([]byte{0, 0xff}, 20), MadeAt: noon}
	commit(t, s, record.PutRoot{Root: root})
	same(t, "roots", must[[]record.SealedRoot](t)(s.Roots(t.Context())), []record.SealedRoot{root})
	newer := root
	newer.KeyID = 8
	commit(t, s, record.DropRoot{KeyID: 7}, record.PutRoot{Root: newer})
	same(t, "one in the place of the other", must[[]record.SealedRoot](t)(s.Roots(t.Context())), []record.SealedRoot{newer})
}

func TestCountersCountWithinTheirWindow(t *testing.T) {
	s := open(t)
	attempt := func(at int64) {
		commit(t, s, record.CountAttempt{Name: "a", Limit: 3, At: at, WindowEnds: at + 10})
	}
	read := func() record.Counter {
		return must[map[string]record.Counter](t)(s.counters(t.Context(), []string{"a"}))["a"]
	}
	attempt(100)
	attempt(109)
	same(t, "two, and the window moves as it is told", read(), record.Counter{Name: "a", N: 2, WindowEnds: 119})
	attempt(119)
	same(t, "a new window", read(), record.Counter{Name: "a", N: 1, WindowEnds: 129})
	commit(t, s, record.ClearCounter{Name: "a"})
	same(t, "cleared", read(), record.Counter{})
}

func TestLoggingOutAllOthersKeepsTheOneThatAsked(t *testing.T) {
	s := world(t)
	other := session()
	other.ID, other.CookieHash = "sid 2", []byte("cookie 2")
	dead, removed, withdrawn, offline := grant(), grant(), grant(), grant()
	dead.ID, dead.EndedAt = "dead", noon
	removed.ID, removed.ClientID = "removed", "removed"
	withdrawn.ID, withdrawn.Resources = "withdrawn", []string{"https://old.example"}
	offline.ID, offline.SID = "offline", ""
	removedApp, old := app(), api()
	removedApp.ID, old.Aud = "removed", "https://old.example"
	commit(t, s, record.PutSession{Session: other}, record.PutClient{Client: removedApp}, record.PutResource{Resource: old})
	at := head(t, s).LC
	for _, g := range []*record.Grant{&dead, &removed, &withdrawn, &offline} {
		g.RVS = at
		commit(t, s, record.PutGrant{Grant: *g})
	}
	commit(t, s, record.CutConsent{UserID: "ana", ClientID: "removed"}, record.CutResource{Aud: old.Aud})

	// The cut comes first in the plan, as decide may have it.
	commit(t, s, record.Append{Target: revocation.ForSub("ana")}, record.CutUser{UserID: "ana"}, record.MarkSession{ID: "sid"})
	lc := head(t, s).LC
	for id, want := range map[string]int64{"sid": lc, "sid 2": born} {
		if got := must[*record.Session](t)(s.Session(t.Context(), id)); got.RVS != want {
			t.Errorf("session %q has rvs %d, want %d", id, got.RVS, want)
		}
	}
	for id, want := range map[string]int64{"gid": lc, "dead": at, "removed": at, "withdrawn": at, "offline": at} {
		if got := must[*record.Grant](t)(s.Grant(t.Context(), id)); got.RVS != want {
			t.Errorf("grant %q has rvs %d, want %d", id, got.RVS, want)
		}
	}
	if user := must[*record.User](t)(s.User(t.Context(), "ana")); user.Cut != lc {
		t.Errorf("the user is cut at %d, want %d", user.Cut, lc)
	}
	conflict(t, s, record.CutUser{UserID: "ana"}, record.MarkSession{ID: "sid 2"})
}

func TestEqualEventsOfAMinuteAreOneRow(t *testing.T) {
	s := open(t)
	event := record.Audit{
		ID: "a1", Key: "ana wrong", At: noon, Event: "sign_in_failed", Actor: "x", UserID: "ana", ClientID: "app",
		GID: "gid", Detail: "d",
	}
	again, other, another := event, event, event
	again.ID, again.At = "a2", noon+1
	other.ID, other.Key, other.At = "a3", "", noon+2
	another.ID, another.Key, another.At = "a4", "", noon+2
	later := event
	later.ID, later.At = "a5", noon+60_000
	commit(t, s, event, again, other, another, later)
	entry := func(a record.Audit, n int64) record.AuditEntry {
		return record.AuditEntry{
			ID: a.ID, At: a.At, Event: a.Event, Actor: a.Actor, UserID: a.UserID, ClientID: a.ClientID, GID: a.GID,
			N: n, Detail: a.Detail,
		}
	}
	want := []record.AuditEntry{entry(later, 1), entry(another, 1), entry(other, 1), entry(event, 2)}
	same(t, "all", must[[]record.AuditEntry](t)(s.AuditList(t.Context(), "", 9)), want)
	same(t, "a page", must[[]record.AuditEntry](t)(s.AuditList(t.Context(), "", 2)), want[:2])
	same(t, "the next", must[[]record.AuditEntry](t)(s.AuditList(t.Context(), "a4", 2)), want[2:])
}
