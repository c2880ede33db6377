package store

import (
	"fmt"
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
	proven := func(factorID string) record.PutSession {
		x := other(func(*record.Session) {})
		x.FactorID = factorID
		return x
	}
	disabled := record.UpdateUser{UserID: "ana", Status: record.UserDisabled, Version: 2}
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
		"an account is chosen on a page that is unused": {
			[]record.Change{record.UseInteraction{IDHash: []byte("page 1"), At: noon}},
			record.ChooseAccount{IDHash: []byte("page 1"), UserID: "ana"},
			nil,
		},
		"a user is given a sub beside those that were read": {
			[]record.Change{record.GiveSubject{UserID: "ana", Sub: "one"}},
			record.GiveSubject{UserID: "ana", Sub: "two"},
			record.GiveSubject{UserID: "ana", Sub: "two", Had: []string{"one"}},
		},
		"a user is cut with all subs that they were given": {
			[]record.Change{record.GiveSubject{UserID: "ana", Sub: "one"}},
			record.CutUser{UserID: "ana"},
			record.CutUser{UserID: "ana", Subs: []string{"one"}},
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
		"a session needs the factor that was checked": {nil, proven("another"), proven(anasPassword().ID)},
		"a session needs an active user":              {[]record.Change{disabled}, proven(anasPassword().ID), nil},
		"a session is renewed by the factor that was checked": {
			nil,
			record.RenewSession{ID: "sid", FactorID: "another", OldCookieHash: []byte("cookie 1"), CookieHash: []byte("cookie 2")},
			record.RenewSession{ID: "sid", FactorID: anasPassword().ID, OldCookieHash: []byte("cookie 1"), CookieHash: []byte("cookie 2")},
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
		"a sign-up needs its user":          {[]record.Change{record.DeleteUser{UserID: "ana"}}, record.PutSignUp{UserID: "ana"}, nil},
		"a sign-up is noted once":           {[]record.Change{record.PutSignUp{UserID: "ana"}}, record.PutSignUp{UserID: "ana"}, nil},
		"a sign-up is confirmed once":       {nil, record.ConfirmSignUp{UserID: "ana"}, nil},
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
		"a client's id is taken":                             {nil, record.PutClient{Client: app()}, nil},
		"a client is deleted at the version that was read":   {nil, record.DeleteClient{ID: "app", Version: 7}, record.DeleteClient{ID: "app", Version: 1}},
		"a user is deleted at the version that was read":     {nil, record.DeleteUser{UserID: "ana", Version: 7}, record.DeleteUser{UserID: "ana", Version: 2}},
		"a resource is deleted at the version that was read": {nil, record.DeleteResource{Aud: api().Aud, Version: 7}, record.DeleteResource{Aud: api().Aud, Version: 1}},
		"a client is replaced at the version that was read":  {nil, record.UpdateClient{ID: "app"}, record.UpdateClient{ID: "app", Version: 1}},
		"a secret needs its client":                          {nil, record.PutClientSecret{ClientID: "x"}, nil},
		"an audience is taken":                               {nil, record.PutResource{Resource: api()}, nil},
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
		rows, err := s.readers.QueryContext(t.Context(), `SELECT * FROM `+table+` ORDER BY 1`) //nolint:unqueryvet // all that there is
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }() // rows.Err tells what there is to tell
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
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func tables(t testing.TB, s *Store) []string {
	t.Helper()
	return must[[]string](t)(s.tables(t.Context()))
}
