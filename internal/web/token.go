package web

import (
	"net/http"
	"strconv"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// token is the token endpoint. RFC 6749 §3.2. Parameters in its URL are no
// parameters: they belong into the body.
func (s *site) token(v *visit) {
	authorization, err := v.authorization(oauth.ReasonClientAuthTwice)
	if err != nil {
		s.refuse(v, err)
		return
	}
	form, _ := oauth.ParseForm(v.body) // the form remembers its fault
	request, err := oauth.ParseTokenRequest(authorization, form)
	if err == nil {
		request.Credentials.Certificate, err = s.certificate(v)
	}
	if err != nil {
		s.refuse(v, err)
		return
	}
	s.shareWithClient(v, request.Credentials.ClientID)
	tokens, err := s.engine.Token(v.r.Context(), &request)
	v.clientID = request.Credentials.ClientID // which its assertion may have said
	if err != nil {
		s.refuse(v, err)
		return
	}
	v.gid = tokens.GID
	s.metrics.Granted(request.GrantType)
	s.sendJSON(v, http.StatusOK, renderTokens(&tokens))
}

// renderTokens writes the JSON of RFC 6749 §5.1 and OpenID Connect Core §3.1.3.3.
// Tokens and scopes have no character that JSON would escape (RFC 6749 appendix
// A.4 and A.12, and our tokens are base64url with dots and underscores).
func renderTokens(t *record.SignedTokens) []byte {
	b := make([]byte, 0, 160+len(t.Access)+len(t.Refresh)+len(t.ID)+len(t.Scope))
	b = append(b, `{"access_token":"`...)
	b = append(b, t.Access...)
	b = append(b, `","token_type":"Bearer","expires_in":`...)
	b = strconv.AppendInt(b, t.ExpiresIn, 10)
	b = appendMember(b, "refresh_token", t.Refresh)
	b = appendMember(b, "id_token", t.ID)
	b = appendMember(b, "scope", t.Scope)
	return append(b, '}')
}

func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":"`...)
	b = append(b, value...)
	return append(b, '"')
}
