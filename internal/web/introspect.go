package web

import (
	"net/http"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// introspect is the introspection endpoint. RFC 7662 §2.
func (s *site) introspect(v *visit) {
	authorization, err := v.authorization(oauth.ReasonClientAuthTwice)
	if err != nil {
		s.refuse(v, err)
		return
	}
	form, _ := oauth.ParseForm(v.body) // the form remembers its fault
	request, err := oauth.ParseIntrospectionRequest(authorization, form)
	if err == nil {
		request.Credentials.Certificate, err = s.certificate(v)
	}
	if err != nil {
		s.refuse(v, err)
		return
	}
	answer, err := s.engine.Introspect(v.r.Context(), &request)
	v.clientID = request.Credentials.ClientID // which its assertion may have said
	if err != nil {
		s.refuse(v, err)
		return
	}
	s.sendJSON(v, http.StatusOK, answer.JSON())
}
