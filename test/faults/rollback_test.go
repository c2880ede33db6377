package faults_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/verify"
)

// databaseFiles are what a stopped server leaves of its database.
const databaseFiles = "mintmark.db*"

// copyDatabase copies the database of a server that has ended.
func (w *world) copyDatabase(from, to string) {
	w.Helper()
	old, err := filepath.Glob(filepath.Join(to, databaseFiles))
	w.must(err)
	for _, path := range old {
		w.must(os.Remove(path))
	}
	files, err := filepath.Glob(filepath.Join(from, databaseFiles))
	w.must(err)
	if len(files) == 0 {
		w.Fatalf("there is no database in %s", from)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		w.must(err)
		w.must(os.WriteFile(filepath.Join(to, filepath.Base(path)), text, 0o600))
	}
}

// tokens.md, part 2, I8: somebody puts an older copy of the database back under a
// running fleet, and declares nothing. In the copy nothing of what was revoked since
// is revoked. The fleet's heads prove it: the server says so in its log and its audit
// trail, begins another log, and everything from before is dead, here and at every
// verifier, which meanwhile accept nothing that they refused before. Who signs in
// anew is let in.
func TestI8ADatabaseThatIsCopiedBackIsNoticedAndCutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.MayLogErrors() // it is to sound the alarm
	here := w.follow()
	there := w.startAPI(t.TempDir(), verify.Strict)
	w.await("the API is live", patience, func() bool { return there.status().State == verify.Live })
	kept, revoked := w.signIn(), w.signIn()

	w.server.Stop()
	backup := t.TempDir()
	w.copyDatabase(w.server.Data, backup)
	w.server.Restart()
	w.must(w.Shop.Revoke(t.Context(), revoked.Refresh))
	refused := func() bool { return there.call(http.MethodGet, revoked.Access) == http.StatusUnauthorized }
	w.awaitRefusal(here, "the token", revoked.Access)
	w.await("the API refuses it", patience, refused)
	before := here.Status()

	w.server.Kill()
	w.copyDatabase(backup, w.server.Data)
	w.server.Restart()
	back := false
	w.await("the server has noticed", expiredWithin, func() bool {
		if got := w.verdict(here, revoked.Access); got == "good" {
			t.Fatalf("a token that was revoked is %s", got)
		}
		back = back || there.call(http.MethodGet, revoked.Access) == http.StatusOK
		return strings.Contains(w.server.Log(), "an older copy of the database was put back")
	})
	if back {
		t.Error("the API let a token in that it had refused")
	}
	for event, err := range w.Office.Audit(t.Context()) {
		w.must(err)
		if event.Event == "log_restarted" {
			back = true
			break
		}
	}
	if !back {
		t.Error("the audit trail has no log_restarted")
	}
	w.fleetGoesOn(here, there, before.Log)
	for name, tokens := range map[string]app.Tokens{"that was revoked": revoked, "that was not": kept} {
		w.awaitRefusal(here, "the token "+name, tokens.Access)
		if active, err := w.APIs.Active(t.Context(), tokens.Access); err != nil || active {
			t.Errorf("introspection says of the token %s active: %t, %v", name, active, err)
		}
		if _, ok, err := w.Shop.Refresh(t.Context(), tokens.Refresh); err != nil || ok {
			t.Errorf("the grant of the token %s goes on: %v", name, err)
		}
	}
	if status := there.call(http.MethodGet, kept.Access); status != http.StatusUnauthorized {
		t.Errorf("the API answers %d to a token from before", status)
	}
	fresh := w.signIn()
	w.expect(here, "a fresh sign-in", fresh.Access, "good")
	if status := there.call(http.MethodPost, fresh.Access); status != http.StatusOK {
		t.Errorf("the API answers %d to a fresh sign-in", status)
	}
	there.end(syscall.SIGTERM)
}

// fleetGoesOn waits until both are live on a log that is not the one of before.
func (w *world) fleetGoesOn(here *verify.Verifier, there *api, log string) {
	w.Helper()
	w.await("both follow the new log", expiredWithin, func() bool {
		h, t := here.Status(), there.status()
		return h.State == verify.Live && t.State == verify.Live && h.Log != log && h.Log == t.Log
	})
}
