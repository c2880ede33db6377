package web

import (
	"net/http"
	"strings"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// register is the client registration endpoint. RFC 7591 §3.
func (s *site) register(v *visit) {
	token, err := v.shownToken()
	if err != nil && err.Reason != oauth.ReasonTokenMissing {
		s.refuse(v, err)
		return
	}
	clientID, information, err := s.engine.Register(v.r.Context(), token, v.body, v.from.network)
	if err != nil {
		s.refuse(v, err)
		return
	}
	v.clientID = clientID
	s.sendJSON(v, http.StatusCreated, information) // RFC 7591 §3.2.1
}

// registration is the client configuration endpoint. RFC 7592 §2.1.
func (s *site) registration(v *visit) {
	s.manage(v, func(clientID, token string) ([]byte, *oauth.Error) {
		return s.engine.Registration(v.r.Context(), clientID, token)
	})
}

// updateRegistration: RFC 7592 §2.2.
func (s *site) updateRegistration(v *visit) {
	s.manage(v, func(clientID, token string) ([]byte, *oauth.Error) {
		return s.engine.UpdateRegistration(v.r.Context(), clientID, token, v.body)
	})
}

// deleteRegistration: RFC 7592 §2.3.
func (s *site) deleteRegistration(v *visit) {
	s.manage(v, func(clientID, token string) ([]byte, *oauth.Error) {
		return nil, s.engine.DeleteRegistration(v.r.Context(), clientID, token)
	})
}

// manage does something to the registration that the path names, for whoever shows
// its registration access token.
func (s *site) manage(v *visit, do func(clientID, token string) ([]byte, *oauth.Error)) {
	token, err := v.shownToken()
	if err != nil {
		s.refuse(v, err)
		return
	}
	clientID := strings.TrimPrefix(v.r.URL.Path, s.registrations)
	information, err := do(clientID, token)
	if err != nil {
		s.refuse(v, err)
		return
	}
	v.clientID = clientID
	if information != nil {
		s.sendJSON(v, http.StatusOK, information)
		return
	}
	h := v.Header()
	s.guard(h)
	h["Cache-Control"] = noStore
	h["Pragma"] = noCache
	v.WriteHeader(http.StatusNoContent) // RFC 7592 §2.3
}

// shownToken is the bearer token of a request whose body is no form. RFC 6750 §2.1.
func (v *visit) shownToken() (string, *oauth.Error) { return shownToken(v.r) }

func shownToken(r *http.Request) (string, *oauth.Error) {
	authorization, err := authorizationOf(r, oauth.ReasonTokenPresentedTwice)
	if err != nil {
		return "", err
	}
	query, _ := oauth.ParseForm(r.URL.RawQuery) // the form remembers its fault
	return oauth.BearerToken(authorization, oauth.Form{}, query)
}
