package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
)

// pages reads a whole list, two rows at a time.
func pages[R any](t testing.TB, id func(R) string, next func(after string, limit int) ([]R, error)) (ids []string) {
	t.Helper()
	for after := ""; ; {
		page, err := next(after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page {
			ids = append(ids, id(row))
		}
		if len(page) < 2 {
			return ids
		}
		after = ids[len(ids)-1]
	}
}

func TestListsGoOnAfterTheLastIDSeen(t *testing.T) {
	s := world(t)
	for i, id := range []string{"5", "1", "4", "2"} {
		user, client, resource, grant, session := ana(), app(), api(), grant(), session()
		user.ID, client.ID, resource.Aud, grant.ID, session.ID = "u"+id, "c"+id, "r"+id, "g"+id, "s"+id
		session.CookieHash = []byte(id)
		if i == 0 {
			session.UserID, grant.UserID = "u5", "u5"
		}
		if i == 1 {
			session.EndedAt, grant.EndedAt = noon, noon
		}
		if i == 2 {
			grant.ClientID = "c4"
		}
		commit(t, s, record.PutUser{User: user}, record.PutClient{Client: client}, record.PutResource{Resource: resource},
			record.PutGrant{Grant: grant}, record.PutSession{Session: session})
	}
	ctx := t.Context()
	grants := func(userID, clientID string) []string {
		return pages(t, func(g record.Grant) string { return g.ID }, func(after string, limit int) ([]record.Grant, error) {
			return s.GrantList(ctx, userID, clientID, after, limit)
		})
	}
	same(t, "users", pages(t, func(u record.User) string { return u.ID }, func(after string, limit int) ([]record.User, error) {
		return s.UserList(ctx, after, limit)
	}), []string{"ana", "u1", "u2", "u4", "u5"})
	same(t, "clients", pages(t, func(c *record.Client) string { return c.ID }, func(after string, limit int) ([]*record.Client, error) {
		return s.ClientList(ctx, after, limit)
	}), []string{"app", "c1", "c2", "c4", "c5"})
	same(t, "resources", pages(t, func(r *record.Resource) string { return r.Aud }, func(after string, limit int) ([]*record.Resource, error) {
		return s.ResourceList(ctx, after, limit)
	}), []string{"https://api.example", "r1", "r2", "r4", "r5"})
	same(t, "sessions", pages(t, func(x record.Session) string { return x.ID }, func(after string, limit int) ([]record.Session, error) {
		return s.AllSessions(ctx, after, limit)
	}), []string{"s2", "s4", "s5", "sid"})
	same(t, "all grants", grants("", ""), []string{"g2", "g4", "g5", "gid"})
	same(t, "a user's grants", grants("ana", ""), []string{"g2", "g4", "gid"})
	same(t, "a client's grants", grants("", "app"), []string{"g2", "g5", "gid"})
	same(t, "a user's grants of a client", grants("ana", "app"), []string{"g2", "gid"})
	var sessions []string
	for _, x := range must[[]record.Session](t)(s.SessionList(ctx, "ana")) {
		sessions = append(sessions, x.ID)
	}
	same(t, "a user's sessions", sessions, []string{"s2", "s4", "sid"})
	same(t, "a user's sessions, in parts", pages(t, func(x record.Session) string { return x.ID }, func(after string, limit int) ([]record.Session, error) {
		return s.SomeSessions(ctx, "ana", after, limit)
	}), sessions)
	same(t, "the number of users", must[int64](t)(s.UserCount(ctx)), int64(5))
}

func TestAListedRowIsWholeAndItsOwn(t *testing.T) {
	s := world(t)
	bob := ana()
	bob.ID, bob.Claims = "bob", nil
	commit(t, s, record.PutUser{User: bob})
	same(t, "users", must[[]record.User](t)(s.UserList(t.Context(), "", 9)), []record.User{*withIdentifiers(ana()), bob})
	same(t, "sessions", must[[]record.Session](t)(s.SessionList(t.Context(), "ana")), []record.Session{session()})
	same(t, "grants", must[[]record.Grant](t)(s.GrantList(t.Context(), "ana", "", "", 9)), []record.Grant{grant()})
	same(t, "consents", must[[]record.Consent](t)(s.ConsentList(t.Context(), "ana")), []record.Consent{consent()})
	for _, i := range []record.Identifier{anasEmail(), anasPhone()} {
		user := must[*record.User](t)(s.UserByIdentifier(t.Context(), i.Kind, i.Value))
		same(t, i.Kind, user, withIdentifiers(ana()))
	}
	same(t, "nobody", must[*record.User](t)(s.UserByIdentifier(t.Context(), "email", "+491701234567")), (*record.User)(nil))
}

const month = int64(30 * day)

func TestWhatHasEndedForLongEnoughIsPurged(t *testing.T) {
	s := world(t)
	now := noon + 100*int64(day)
	put := func(n int, change func(i int) record.Change) {
		for i := range n {
			commit(t, s, change(i))
		}
	}
	grantThat := func(f func(*record.Grant)) func(int) record.Change {
		return func(i int) record.Change {
			g := grant()
			f(&g)
			g.ID += fmt.Sprint(i)
			return record.PutGrant{Grant: g}
		}
	}
	lives := func(g *record.Grant) { g.IdleUntil, g.AbsUntil = now, now+1 }
	put(7, grantThat(func(g *record.Grant) { lives(g); g.ID = "ended "; g.EndedAt = now - month - 1 }))
	put(7, grantThat(func(g *record.Grant) { lives(g); g.ID = "idle "; g.IdleUntil = now - month - 1 }))
	put(7, grantThat(func(g *record.Grant) { lives(g); g.ID = "over "; g.AbsUntil = now - month - 1 }))
	put(7, grantThat(func(g *record.Grant) { lives(g); g.ID = "kept "; g.EndedAt = now - month }))
	put(1, grantThat(func(g *record.Grant) { g.ID = "kept for ever "; g.IdleUntil, g.AbsUntil = 0, 0 }))
	put(1, grantThat(func(g *record.Grant) { lives(g); g.ID = "kept alive " }))
	// Its session goes on, and is to tell its client of its end.
	put(7, grantThat(func(g *record.Grant) {
		g.ID, g.Origin, g.AbsUntil = "kept with its session ", "kept, idle 0", now-month-1
	}))
	for _, done := range []int64{0, now - month - 1, now - month} {
		onWriter(t, s, fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 7)
			INSERT INTO outbox SELECT '%d ' || i, 'logout', '', '', '', 1, 1, 1, 0, %d, '', '' FROM n`, done, done))
	}

	sessionThat := func(f func(*record.Session)) func(int) record.Change {
		return func(i int) record.Change {
			x := session()
			x.IdleUntil, x.AbsUntil = now-month-1, now
			f(&x)
			x.ID += fmt.Sprint(i)
			x.CookieHash = []byte(x.ID)
			return record.PutSession{Session: x}
		}
	}
	put(7, sessionThat(func(x *record.Session) { x.ID = "ended "; x.EndedAt = now - month - 1 }))
	put(7, sessionThat(func(x *record.Session) { x.ID = "over "; x.AbsUntil = now - month - 1 }))
	put(7, sessionThat(func(x *record.Session) { x.ID = "kept "; x.EndedAt = now - month }))
	// Its grants do not ask for its idle limit, so it stays.
	put(7, sessionThat(func(x *record.Session) { x.ID = "kept, idle " }))

	put(7, func(i int) record.Change {
		return record.PutCode{Code: record.Code{Hash: fmt.Append(nil, "old", i), SID: "sid", EndsAt: now - month - 1}}
	})
	commit(t, s, record.PutCode{Code: record.Code{Hash: []byte("kept"), SID: "sid", EndsAt: now - month}})
	for _, at := range []int64{now - 1, now} {
		put(7, func(i int) record.Change {
			return record.PutInteraction{Interaction: record.Interaction{IDHash: fmt.Append(nil, at, i), EndsAt: at}}
		})
		put(7, func(i int) record.Change { return record.Spend{KeyHash: fmt.Append(nil, at, i), EndsAt: at} })
		put(7, func(i int) record.Change {
			return record.CountAttempt{Name: fmt.Sprint(at, i), Limit: 1, At: at, WindowEnds: at}
		})
	}
	onWriter(t, s, fmt.Sprintf(`UPDATE revlog SET keep_until = %d - (seq %% 2)`, now))
	commit(t, s, record.Audit{ID: "for ever"})

	if err := s.Purge(t.Context(), now, 3); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int64{
		`SELECT count(*) FROM grants`:                          7 + 1 + 1 + 7, // and the world's own has run out
		`SELECT count(*) FROM grants WHERE id LIKE 'kept%'`:    7 + 1 + 1 + 7,
		`SELECT count(*) FROM outbox`:                          7 + 7, // what is done is remembered like what has ended
		`SELECT count(*) FROM outbox WHERE done_at = 0`:        7,
		`SELECT count(*) FROM sessions`:                        7 + 7,
		`SELECT count(*) FROM sessions WHERE id LIKE 'kept%'`:  7 + 7,
		`SELECT count(*) FROM codes`:                           1,
		`SELECT count(*) FROM interactions`:                    7,
		`SELECT count(*) FROM interactions WHERE ends_at = $1`: 7,
		`SELECT count(*) FROM spent WHERE ends_at = $1`:        7,
		`SELECT count(*) FROM spent`:                           7,
		`SELECT count(*) FROM counters`:                        7,
		`SELECT count(*) FROM counters WHERE window_ends = $1`: 7,
		`SELECT count(*) FROM revlog WHERE keep_until < $1`:    0,
		`SELECT count(*) FROM revlog WHERE keep_until = $1`:    1, // of 3: numbers 1 and 3 are odd
		`SELECT count(*) FROM audit`:                           1,
	} {
		args := []any{now}[:strings.Count(query, "$1")]
		if got := count(t, s, query, args...); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

// A sweep each minute must not read millions of rows: it goes on where it stopped.
func TestAPurgeLooksAtAPartOfATableAtATime(t *testing.T) {
	s := world(t)
	var changes []record.Change
	for i := range slicesAtOnce + 10 {
		g := grant()
		g.ID, g.SID, g.Origin, g.EndedAt = fmt.Sprintf("ended %03d", i), "", "", 1
		changes = append(changes, record.PutGrant{Grant: g})
	}
	commit(t, s, changes...)
	for _, left := range []int64{10, 0} {
		if err := s.Purge(t.Context(), noon, 1); err != nil {
			t.Fatal(err)
		}
		if got := count(t, s, `SELECT count(*) FROM grants WHERE ended_at > 0`); got != left {
			t.Errorf("%d are left, not %d", got, left)
		}
	}
	commit(t, s, changes...)
	for range 2 { // once more from the beginning
		if err := s.Purge(t.Context(), noon, slicesAtOnce); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(t, s, `SELECT count(*) FROM grants WHERE ended_at > 0`); got != 0 {
		t.Errorf("%d are left of those that came later", got)
	}
}
