package conversations_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// hears gives a client a server of its own for logout tokens, and its address.
func (s *story) hears(clientID string) string {
	tokens := make(chan string, 99)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		tokens <- r.PostFormValue("logout_token")
	}))
	s.t.Cleanup(server.Close)
	s.hearing[clientID] = tokens
	return server.URL
}

// heard waits for the next logout token of a client, which verifies it as
// OpenID Connect Back-Channel Logout 1.0 §2.6 says, and says who is signed out of
// what.
func (s *story) heard(say step) (outcome, error) {
	clientID, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	tokens := s.hearing[clientID]
	if tokens == nil {
		return outcome{}, fmt.Errorf("%s does not listen", clientID)
	}
	var raw string
	select {
	case raw = <-tokens:
	case <-time.After(30 * time.Second):
		return outcome{}, fmt.Errorf("%s hears nothing", clientID)
	}
	token, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		return outcome{}, err
	}
	set, err := s.keySet()
	if err != nil {
		return outcome{}, err
	}
	payload, err := token.Verify(set)
	if err != nil {
		return outcome{}, err
	}
	var claims struct {
		Issuer   string                    `json:"iss"`
		Audience string                    `json:"aud"`
		Subject  string                    `json:"sub"`
		SID      string                    `json:"sid"`
		Events   map[string]map[string]any `json:"events"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return outcome{}, err
	}
	typ := token.Signatures[0].Header.ExtraHeaders[jose.HeaderType]
	if typ != "logout+jwt" || claims.Issuer != s.issuer || claims.Audience != clientID ||
		claims.Events["http://schemas.openid.net/event/backchannel-logout"] == nil {
		return outcome{}, fmt.Errorf("a %v came, which says %s", typ, payload)
	}
	name := claims.Subject
	for _, user := range s.users {
		if user.Sub == claims.Subject {
			name = user.name
		}
	}
	return fine(name + " out of " + s.name("S", claims.SID)), nil
}
