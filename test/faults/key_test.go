package faults_test

import (
	"testing"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/verify"
)

// reports is an API whose tokens have a key of their own.
const reports = "https://reports.example"

// activeKey is the key that signs by an algorithm.
func (w *world) activeKey(alg string) string {
	w.Helper()
	for _, key := range w.server.Keys() {
		if key.Alg == alg && key.Use == "sig" && key.Status == "active" {
			return key.KID
		}
	}
	return ""
}

// A signing key that is revoked takes every token that it signed with it, at once.
// The next key signs, and nobody else notices: sessions and grants go on, and so do
// tokens of other keys and the feed.
func TestARevokedKeyTakesItsTokensAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		revoke func(w *world, kid string)
		others string // what becomes of tokens of other keys
	}{
		{"the key", func(w *world, kid string) { w.server.CLI("revoke", "key", kid, "--reason", "leaked") }, "good"},
		{"all, in an emergency", func(w *world, _ string) { w.server.CLI("key", "rotate", "--emergency") }, string(verify.Revoked)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			// It also waits for the keys of RS256, which a new server makes in the background.
			_, err := w.Office.CreateResource(t.Context(), admin.NewResource{
				Audience: reports, ResourceSettings: admin.ResourceSettings{Alg: "RS256"},
			})
			w.must(err)
			shop, err := w.Office.ShowClient(t.Context(), w.Shop.ID)
			w.must(err)
			shop.Resources = append(shop.Resources, reports)
			_, err = w.Office.UpdateClient(t.Context(), shop.ClientID, admin.ClientUpdate{ClientMetadata: shop.ClientMetadata})
			w.must(err)

			v := w.follow()
			ofReports, err := verify.New(t.Context(), w.Issuer, reports, verify.WithClient(w.APIs.ID, w.APIs.Secret), verify.WithName("reports"))
			w.must(err)
			t.Cleanup(func() { _ = ofReports.Close() })
			w.await("it is live", patience, func() bool { return ofReports.Status().State == verify.Live })
			tokens := w.signIn()
			other, err := w.Shop.SignIn(t.Context(), w.browser, reports)
			w.must(err)
			w.expect(v, "a token", tokens.Access, "good")
			w.expect(ofReports, "a token of another key", other.Access, "good")
			kid := w.activeKey("ES256")

			c.revoke(w, kid)
			w.awaitRefusal(v, "a token of the key", tokens.Access)
			if active, err := w.APIs.Active(t.Context(), tokens.Access); err != nil || active {
				t.Errorf("introspection says active: %t, %v", active, err)
			}
			if c.others == string(verify.Revoked) {
				w.awaitRefusal(ofReports, "a token of another key", other.Access)
			}
			w.expect(ofReports, "a token of another key", other.Access, c.others)

			if next := w.activeKey("ES256"); next == "" || next == kid {
				t.Errorf("ES256 is signed with %q, after %q", next, kid)
			}
			renewed, ok, err := w.Shop.Refresh(t.Context(), tokens.Refresh)
			if err != nil || !ok {
				t.Fatalf("the grant does not go on: %v", err)
			}
			w.expect(v, "a refreshed token", renewed.Access, "good")
			w.expect(v, "a token of the same session", w.signIn().Access, "good")
			again, err := w.Shop.SignIn(t.Context(), w.newBrowser(w.Ana), reports)
			w.must(err)
			w.expect(ofReports, "a fresh sign-in", again.Access, "good")
			seq := w.position().Seq
			w.await("the feed goes on", beat+patience, func() bool {
				s := v.Status()
				return s.State == verify.Live && s.Problem == "" && s.Seq == seq
			})
		})
	}
}
