package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// A guard is missed by a plan whose row is in another state.
func TestAMissedGuardIsAConflict(t *testing.T) {
	other := func(f func(*record.Session)) record.PutSession {
		x := session()
		x.ID, x.CookieHash = "sid 2", []byte("cookie 2")
		f(&x)
		return record.PutSession{Session: x}
	}
	otherGrant := func(f func(*record.Grant)) record.Grant {
		x := grant()
		x.ID = "gid 2"
		f(&x)
		return x
	}
	end := record.EndSession{ID: "sid", At: noon}
	endGrant := record.EndGrant{ID: "gid", At: noon}
	bob := []record.Change{
		record.PutUser{User: record.User{ID: "bob", Status: record.UserActive}},
		record.PutIdentifier{Identifier: record.Identifier{Kind: record.IdentifierEmail, Value: "bob@example.com", UserID: "bob"}},
	}
	for name, c := range map[string]struct {
		first  []record.Change
		second record.Change
		fine   record.Change // the same with the guard met, from the same state
	}{
		"a page is used once": {
			[]record.Change{record.UseInteraction{IDHash: []byte("page 1"), At: noon}},
			record.UseInteraction{IDHash: []byte("page 1"), At: noon + 1},
			nil,
		},
		"a page's id is taken":    {nil, record.PutInteraction{Interaction: interaction()}, nil},
		"a session's id is taken": {nil, other(func(x *record.Session) { x.ID = "sid" }), other(func(*record.Session) {})},
		"a session's cookie is taken": {
			nil, other(func(x *record.Session) { x.CookieHash = []byte("cookie 1") }), nil,
		},
		"a session is renewed with the cookie it has": {
			nil,
			record.RenewSession{ID: "sid", OldCookieHash: []byte("cookie 0"), CookieHash: []byte("cookie 2")},
			record.RenewSession{ID: "sid", OldCookieHash: []byte("cookie 1"), CookieHash: []byte("cookie 2")},
		},
		"a session that ended is not renewed": {
			[]record.Change{end},
			record.RenewSession{ID: "sid", OldCookieHash: []byte("cookie 1"), CookieHash: []byte("cookie 2")},
			nil,
		},
		"a session is not renewed to another's cookie": {
			[]record.Change{other(func(*record.Session) {})},
			record.RenewSession{ID: "sid", OldCookieHash: []byte("cookie 1"), CookieHash: []byte("cookie 2")},
			nil,
		},
		"a session that ended is not marked": {[]record.Change{end}, record.MarkSession{ID: "sid"}, nil},
		"a session that was cut is not marked": {
			[]record.Change{record.CutUser{UserID: "ana"}, record.RaiseLongest{}}, record.MarkSession{ID: "sid"}, nil,
		},
		"a consent needs its user":   {[]record.Change{record.DeleteUser{UserID: "ana"}}, record.PutConsent{Consent: consent()}, nil},
		"a consent needs its client": {[]record.Change{record.DeleteClient{ID: "app"}}, record.PutConsent{Consent: consent()}, nil},
		"a code needs its session": {
			[]record.Change{end}, record.PutCode{Code: record.Code{Hash: []byte("code 2"), SID: "sid"}}, nil,
		},
		"a code's hash is taken": {nil, record.PutCode{Code: code()}, nil},
		"a code is used once": {
			[]record.Change{record.UseCode{Hash: []byte("code 1"), ClientID: "app", At: noon}},
			record.UseCode{Hash: []byte("code 1"), ClientID: "app", At: noon + 1},
			nil,
		},
		"a code is used by its client": {
			nil,
			record.UseCode{Hash: []byte("code 1"), ClientID: "other", At: noon},
			record.UseCode{Hash: []byte("code 1"), ClientID: "app", At: noon},
		},
		// tokens.md, part 2, I3.
		"a grant needs its session": {
			[]record.Change{end},
			record.PutGrant{Grant: otherGrant(func(*record.Grant) {}), SessionID: "sid"},
			record.PutGrant{Grant: otherGrant(func(*record.Grant) {})},
		},
		"an offline grant needs the session that it came from": {
			[]record.Change{end},
			record.PutGrant{Grant: otherGrant(func(g *record.Grant) { g.SID = "" }), SessionID: "sid"},
			nil,
		},
		"a grant's id is taken": {nil, record.PutGrant{Grant: grant()}, nil},
		// tokens.md, part 4.
		"a grant rotates from where it stands": {
			nil, record.RotateGrant{ID: "gid", From: 3, At: noon}, record.RotateGrant{ID: "gid", From: 4, At: noon},
		},
		"a grant that ended does not rotate": {[]record.Change{endGrant}, record.RotateGrant{ID: "gid", From: 4}, nil},
		"lateness is noted on what was read": {
			nil,
			record.NoteLate{ID: "gid", Gen: 4, WasGen: 2, WasRun: 1, LateGen: 4, LateRun: 2},
			record.NoteLate{ID: "gid", Gen: 4, WasGen: 3, WasRun: 1, LateGen: 4, LateRun: 2},
		},
		"lateness is noted at the generation that was read": {
			[]record.Change{record.RotateGrant{ID: "gid", From: 4}},
			record.NoteLate{ID: "gid", Gen: 4, WasGen: 3, WasRun: 1, LateGen: 4, LateRun: 2},
			nil,
		},
		"a grant that ended is not touched": {[]record.Change{endGrant}, record.TouchGrant{ID: "gid"}, nil},
		"a user's id is taken":              {nil, record.PutUser{User: ana()}, nil},
		"a user is replaced at the version that was read": {
			nil, record.UpdateUser{UserID: "ana", Version: 1}, record.UpdateUser{UserID: "ana", Version: 2},
		},
		"an identifier is taken": {
			bob, record.PutIdentifier{Identifier: record.Identifier{Kind: record.IdentifierEmail, Value: "ana@example.com", UserID: "bob"}}, nil,
		},
		"a user has one identifier of a kind": {
			nil, record.PutIdentifier{Identifier: record.Identifier{Kind: record.IdentifierEmail, Value: "a@b", UserID: "ana"}}, nil,
		},
		"an identifier needs its user": {
			nil, record.PutIdentifier{Identifier: record.Identifier{Kind: record.IdentifierEmail, Value: "a@b", UserID: "x"}}, nil,
		},
		"an identifier is not replaced by another's": {
			bob,
			record.ReplaceIdentifier{Identifier: record.Identifier{Kind: record.IdentifierEmail, Value: "ana@example.com", UserID: "bob"}},
			record.ReplaceIdentifier{Identifier: record.Identifier{Kind: record.IdentifierEmail, Value: "b@c", UserID: "bob"}},
		},
		"a factor needs its user": {nil, record.PutFactor{Factor: record.Factor{ID: "x", UserID: "x", Kind: "password"}}, nil},
		"a factor is replaced where it still holds what was read": {
			nil,
			record.PutFactor{Factor: anasPassword(), OldData: "else"},
			record.PutFactor{Factor: anasPassword(), OldData: anasPassword().Data},
		},
		"a counter stays below its limit": {
			[]record.Change{record.CountAttempt{Name: "a", Limit: 1, At: noon, WindowEnds: noon + 10}},
			record.CountAttempt{Name: "a", Limit: 1, At: noon + 9, WindowEnds: noon + 19},
			record.CountAttempt{Name: "a", Limit: 1, At: noon + 10, WindowEnds: noon + 20},
		},
		"a limit of zero lets nobody in": {nil, record.CountAttempt{Name: "a", At: noon, WindowEnds: noon + 10}, nil},
		"a secret is spent once": {
			[]record.Change{record.Spend{KeyHash: []byte("s"), EndsAt: noon}}, record.Spend{KeyHash: []byte("s")}, nil,
		},
		"a client's id is taken":                            {nil, record.PutClient{Client: app()}, nil},
		"a client is replaced at the version that was read": {nil, record.UpdateClient{ID: "app"}, record.UpdateClient{ID: "app", Version: 1}},
		"a secret needs its client":                         {nil, record.PutClientSecret{ClientID: "x"}, nil},
		"an audience is taken":                              {nil, record.PutResource{Resource: api()}, nil},
		"a resource is replaced at the version that was read": {
			nil, record.UpdateResource{Aud: api().Aud}, record.UpdateResource{Aud: api().Aud, Version: 1},
		},
		"a key's id is taken":            {nil, record.PutKey{Key: key()}, nil},
		"a key moves from where it is":   {nil, record.MoveKey{KID: "k1", From: record.KeyActive}, record.MoveKey{KID: "k1", From: record.KeyNext}},
		"a root's id is taken":           {[]record.Change{record.PutRoot{Root: record.SealedRoot{KeyID: 1}}}, record.PutRoot{Root: record.SealedRoot{KeyID: 1}}, nil},
		"a consent is cut of a user":     {nil, record.CutConsent{UserID: "x", ClientID: "app"}, record.CutConsent{UserID: "ana", ClientID: "app"}},
		"a row of the audit has its own": {[]record.Change{record.Audit{ID: "a"}}, record.Audit{ID: "a"}, record.Audit{ID: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := world(t)
			if c.first != nil {
				commit(t, s, c.first...)
			}
			before := dump(t, s)
			// The guard comes last, so that there is something to undo.
			conflict(t, s, record.Append{Target: revocation.ForAll()}, record.CutAll{}, record.CutUser{UserID: "ana"},
				record.Spend{KeyHash: []byte("x")}, record.Audit{ID: "first"}, c.second)
			conflict(t, s, c.second)
			if after := dump(t, s); after != before {
				t.Errorf("a plan that failed left something behind:\n%s\nwas\n%s", after, before)
			}
			if c.fine != nil {
				commit(t, s, c.fine)
			}
		})
	}
}

// dump is all that is in the database.
func dump(t testing.TB, s *Store) string {
	t.Helper()
	var all strings.Builder
	for _, table := range tables(t, s) {
		rows, err := s.readers.QueryContext(t.Context(), `SELECT * FROM `+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&all, "%s %v\n", table, values)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func tables(t testing.TB, s *Store) []string {
	t.Helper()
	rows, err := s.readers.QueryContext(t.Context(),
		`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	return names
}

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

func TestADeletedUserLeavesNothingAlive(t *testing.T) {
	s := world(t)
	commit(t, s, record.DeleteUser{UserID: "ana", At: noon})
	for _, table := range []string{"users", "identifiers", "factors", "consents"} {
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
	same(t, "cut", read(), record.Consent{UserID: "ana", ClientID: "app", Cut: cut, MadeAt: noon - 1})
	again := record.Consent{UserID: "ana", ClientID: "app", Scope: []string{"email"}, MadeAt: noon + 2}
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
		ID: "a1", Key: "ana wrong 12:00", At: noon, Event: "sign_in_failed", Actor: "x", UserID: "ana", ClientID: "app",
		GID: "gid", Detail: "d",
	}
	again, other, another := event, event, event
	again.ID, again.At = "a2", noon+1
	other.ID, other.Key, other.At = "a3", "", noon+2
	another.ID, another.Key, another.At = "a4", "", noon+2
	commit(t, s, record.Audit(event), again, other, another)
	want := []record.AuditEntry{{Audit: another, N: 1}, {Audit: other, N: 1}, {Audit: event, N: 2}}
	same(t, "all", must[[]record.AuditEntry](t)(s.AuditList(t.Context(), "", 9)), want)
	same(t, "a page", must[[]record.AuditEntry](t)(s.AuditList(t.Context(), "", 2)), want[:2])
	same(t, "the next", must[[]record.AuditEntry](t)(s.AuditList(t.Context(), "a3", 2)), want[2:])
}

func TestAListOfWordsTakesOnlyWords(t *testing.T) {
	s := world(t)
	before := dump(t, s)
	for _, scope := range [][]string{{"a b"}, {""}} {
		bad := consent()
		bad.Scope = scope
		err := s.Commit(t.Context(), []record.Change{record.PutConsent{Consent: bad}})
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%q: %v", scope, err)
		}
	}
	if dump(t, s) != before {
		t.Error("something was written")
	}
}

// Every change of the sealed set has a statement or an entry of the log.
func TestEveryChangeIsPlanned(t *testing.T) {
	source, err := os.ReadFile("../record/change.go")
	if err != nil {
		t.Fatal(err)
	}
	planned := map[string]bool{}
	for _, c := range everyChange() {
		planned[reflect.TypeOf(c).Name()] = true
	}
	if declared := strings.Count(string(source), ") change() "); declared != len(planned) {
		t.Errorf("record has %d changes, this test %d", declared, len(planned))
	}
	for _, c := range everyChange() {
		p := must[*plan](t)(newPlan([]record.Change{c}))
		if len(p.steps)+len(p.entries) == 0 {
			t.Errorf("%s is not planned", reflect.TypeOf(c))
		}
	}
}

func everyChange() []record.Change {
	return []record.Change{
		record.Append{},
		record.PutInteraction{},
		record.UseInteraction{},
		record.PutSession{},
		record.RenewSession{},
		record.SeeSession{},
		record.EndSession{},
		record.MarkSession{},
		record.PutConsent{},
		record.PutCode{},
		record.UseCode{},
		record.PutGrant{},
		record.RotateGrant{},
		record.NoteLate{},
		record.TouchGrant{},
		record.EndGrant{},
		record.CutUser{},
		record.CutClient{},
		record.CutConsent{},
		record.CutResource{},
		record.CutAll{},
		record.PutUser{},
		record.UpdateUser{},
		record.DeleteUser{},
		record.PutIdentifier{},
		record.ReplaceIdentifier{},
		record.PutFactor{},
		record.PutFactor{OldData: "x"},
		record.CountAttempt{},
		record.ClearCounter{},
		record.Spend{},
		record.PutClient{},
		record.UpdateClient{},
		record.PutClientSecret{},
		record.DeleteClient{},
		record.PutResource{Resource: record.Resource{Aud: "a"}},
		record.UpdateResource{},
		record.DeleteResource{},
		record.PutKey{},
		record.MoveKey{},
		record.PutRoot{},
		record.RaiseLongest{},
		record.Audit{},
	}
}
