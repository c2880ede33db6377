package nodes_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/postgresql"
	"github.com/mintmark-id/mintmark/test/server"
	"github.com/mintmark-id/mintmark/verify"
)

// noticedWithin is when a verifier has surely asked again, whatever it waits for after
// it found nobody.
const noticedWithin = 90 * time.Second

// move is one issuer that goes from place to place, with people signed in and a
// verifier that stays.
type move struct {
	*testing.T
	*app.Cast
	front    *balancer
	kek      string
	server   *server.Process
	verifier *verify.Verifier
	browser  *app.Browser
}

// serve starts the issuer's server on a place.
func (m *move) serve(data string, flags ...string) {
	m.Helper()
	flags = append([]string{"--issuer", m.front.issuer, "--kek-file", m.kek}, flags...)
	next, err := server.Launch(m.Context(), server.Binary(), data, flags...)
	m.must(err)
	m.server = next
	m.Cleanup(func() {
		if m.Failed() {
			m.Logf("the server on %s said:\n%s", data, next.Log())
		}
		if !next.Ended() {
			_ = next.Kill() // what it holds is in the database
		}
	})
	m.front.mu.Lock()
	m.front.nodes = []string{next.Listen()}
	m.front.mu.Unlock()
}

func (m *move) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

// mintmark runs a command that needs no server.
func (m *move) mintmark(args ...string) (string, error) {
	command := exec.CommandContext(m.Context(), server.Binary(), append(args, "--kek-file", m.kek)...)
	command.Dir = m.TempDir()
	command.Env = []string{"HOME=" + command.Dir}
	said, err := command.CombinedOutput()
	return string(said), err
}

// seen waits until the verifier refuses a token, or takes it.
func (m *move) seen(what, token string, good bool) {
	m.Helper()
	m.must(app.Await(m.Context(), what, patience, func() bool {
		_, err := m.verifier.Check(m.Context(), token)
		return (err == nil) == good
	}))
}

// standing is what is given out before a move, and what is taken back.
type standing struct{ kept, revoked app.Tokens }

func (m *move) giveOut() (s standing) {
	m.Helper()
	for _, tokens := range []*app.Tokens{&s.kept, &s.revoked} {
		var err error
		*tokens, err = m.Shop.SignIn(m.Context(), m.browser, app.Orders)
		m.must(err)
	}
	m.must(m.Shop.Revoke(m.Context(), s.revoked.Refresh))
	m.seen("the verifier refuses what was revoked", s.revoked.Access, false)
	return s
}

// holds holds everything from before a move to what it was: the session is open, a
// code that waits is redeemed, tokens go on, and what was revoked stays revoked.
func (m *move) holds(s standing, code app.Code, log string, seq int64) {
	m.Helper()
	if _, ok, err := m.Shop.Redeem(m.Context(), code); err != nil || !ok {
		m.Errorf("a code from before the move: %v, %v", ok, err)
	}
	if active, err := m.APIs.Active(m.Context(), s.kept.Access); err != nil || !active {
		m.Errorf("a token from before the move: %v, %v", active, err)
	}
	if _, ok, err := m.Shop.Refresh(m.Context(), s.kept.Refresh); err != nil || !ok {
		m.Errorf("a refresh token from before the move: %v, %v", ok, err)
	}
	if active, err := m.APIs.Active(m.Context(), s.revoked.Access); err != nil || active {
		m.Errorf("a token that was revoked before the move: %v, %v", active, err)
	}
	if _, ok, err := m.Shop.Refresh(m.Context(), s.revoked.Refresh); err != nil || ok {
		m.Errorf("a refresh token that was revoked before the move: %v, %v", ok, err)
	}
	m.seen("the verifier refuses what was revoked before the move", s.revoked.Access, false)
	m.seen("the verifier takes what was not", s.kept.Access, true)
	// The browser is not asked to sign in: without its password it would fail.
	if _, err := m.Shop.Code(m.Context(), m.browser, app.Orders); err != nil {
		m.Errorf("a session from before the move: %v", err)
	}
	// What is ended here reaches the verifier that was there before, as the next
	// entries of the log that it knows.
	after := m.giveOut()
	m.seen("the verifier takes a token from after the move", after.kept.Access, true)
	m.must(app.Await(m.Context(), "the verifier goes on", noticedWithin, func() bool {
		status := m.verifier.Status()
		return status.State == verify.Live && status.Seq > seq
	}))
	if got := m.verifier.Status().Log; got != log {
		m.Errorf("the verifier followed the log %s, and follows %s", log, got)
	}
}

// A database goes from SQLite to PostgreSQL and back, and nobody notices: sessions,
// codes and tokens go on, what was revoked stays so, and a verifier that was there
// before goes on in the same log. Whoever then starts a server on what was copied
// has put an older copy back, and is noticed (tokens.md, part 2, I8).
func TestADatabaseMovesToPostgreSQLAndBack(t *testing.T) {
	t.Parallel()
	m := &move{T: t, front: newBalancer(t)}
	first, last := t.TempDir(), filepath.Join(t.TempDir(), "data")
	m.kek = writeKEK(t)
	m.serve(first)
	var err error
	m.Cast, err = app.NewCast(t.Context(), m.server)
	m.must(err)
	t.Cleanup(func() { m.Office.Close() })
	m.browser, err = app.NewBrowser(m.Ana)
	m.must(err)
	m.verifier, err = m.Verifier(t.Context())
	m.must(err)
	t.Cleanup(func() { m.must(m.verifier.Close()) })
	m.must(app.Await(t.Context(), "the verifier is live", patience, func() bool { return m.verifier.Status().State == verify.Live }))

	database := postgresql.New(t)
	places := []struct{ from, to, data string }{
		{first, database.URL(""), t.TempDir()},
		{database.URL(""), last, last},
	}
	for _, place := range places {
		before := m.giveOut()
		code, err := m.Shop.Code(t.Context(), m.browser, app.Orders)
		m.must(err)
		at := m.verifier.Status()
		if said, err := m.mintmark("copy", "--from", place.from, "--to", place.to); err == nil || !strings.Contains(said, "a server runs on") {
			t.Fatalf("of a server that runs it says: %v\n%s", err, said)
		}
		m.must(m.server.Stop())
		if said, err := m.mintmark("copy", "--from", place.from, "--to", place.to); err != nil {
			t.Fatalf("copying: %v\n%s", err, said)
		}
		if strings.HasPrefix(place.to, "postgres:") {
			m.serve(place.data, "--database", place.to)
		} else {
			m.serve(place.data)
		}
		m.holds(before, code, at.Log, at.Seq)
	}

	log := m.verifier.Status().Log
	m.must(m.server.Stop())
	m.serve(first)
	m.must(app.Await(t.Context(), "the server has noticed that it is behind", noticedWithin, func() bool {
		return strings.Contains(m.server.Log(), "an older copy of the database was put back")
	}))
	m.must(app.Await(t.Context(), "the verifier follows another log", noticedWithin, func() bool { return m.verifier.Status().Log != log }))
}
