package revocation_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/verify"
)

// RFC 9470 §3: an API that wants another or a more recent sign-in says so, and the
// client knows what to ask for.
func TestAnAPIMayAskForABetterSignIn(t *testing.T) {
	w := newWorld(t)
	v := w.protect("orders-1", orders, verify.Balanced).verifier
	ana := w.apps["shop"].signIn(w.browserOf(w.newUser("ana@example.com")), orders, "openid").access
	robot := w.apps["robot"].own(orders).access
	fine := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, c := range []struct {
		name   string
		gate   func(http.Handler) http.Handler
		token  string
		status int
		says   string
	}{
		{"the way in which she signed in", v.RequireACR("aal2 aal1", 0), ana, http.StatusOK, ""},
		{"and lately", v.RequireACR("aal1", time.Hour), ana, http.StatusOK, ""},
		{"another way", v.RequireACR("aal2", 5*time.Minute), ana, http.StatusUnauthorized, `acr_values="aal2", max_age="300"`},
		{"of a client, which has not signed in", v.RequireACR("", time.Hour), robot, http.StatusUnauthorized, `max_age="3600"`},
	} {
		api := httptest.NewServer(c.gate(fine))
		t.Cleanup(api.Close)
		answer := w.get(api.URL, c.token)
		challenge := answer.header.Get("WWW-Authenticate")
		if answer.status != c.status || !strings.Contains(challenge, c.says) ||
			c.says != "" && !strings.Contains(challenge, `error="insufficient_user_authentication"`) {
			t.Errorf("%s: %d %s", c.name, answer.status, challenge)
		}
	}
}
