package web

import (
	"net/http"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// userinfo is the UserInfo endpoint. OpenID Connect Core §5.3.
func (s *site) userinfo(v *visit) {
	authorization, err := v.authorization(oauth.ReasonTokenPresentedTwice)
	if err != nil {
		s.refuse(v, err)
		return
	}
	query, _ := oauth.ParseForm(v.r.URL.RawQuery) // the forms remember their faults
	body, _ := oauth.ParseForm(v.body)
	token, err := oauth.BearerToken(authorization, body, query)
	if err != nil {
		s.refuse(v, err)
		return
	}
	shown, err := s.certificate(v)
	if err != nil {
		s.refuse(v, err)
		return
	}
	told, err := s.engine.Userinfo(v.r.Context(), token, shown)
	switch {
	case err != nil:
		s.refuse(v, err)
	case told.Signed != "":
		s.send(v, http.StatusOK, jwtType, []byte(told.Signed)) // OpenID Connect Core §5.3.2: application/jwt
	default:
		s.sendJSON(v, http.StatusOK, told.JSON)
	}
}
