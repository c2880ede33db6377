package web

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// Header values that every answer in JSON carries. They are set as they are,
// without a copy: nobody changes a value in place.
var (
	jsonType   = []string{"application/json;charset=UTF-8"}
	jwtType    = []string{"application/jwt"}
	noStore    = []string{"no-store"} // RFC 6749 §5.1
	noCache    = []string{"no-cache"} // RFC 6749 §5.1, Pragma
	noSniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	noContent  = []string{"default-src 'none'; frame-ancestors 'none'"}
	oneYear    = []string{"max-age=31536000"}
)

// guard sets the headers that keep an answer from being taken for something to
// show. ASVS 3.4.
func (s *site) guard(h http.Header) {
	h["X-Content-Type-Options"] = noSniff
	h["Referrer-Policy"] = noReferrer
	h["Content-Security-Policy"] = noContent
	if s.issuer.IsHTTPS() {
		h["Strict-Transport-Security"] = oneYear
	}
}

// sendJSON sends an answer that nobody may keep.
func (s *site) sendJSON(v *visit, status int, body []byte) { s.send(v, status, jsonType, body) }

func (s *site) send(v *visit, status int, contentType []string, body []byte) {
	h := v.Header()
	s.guard(h)
	h["Content-Type"] = contentType
	h["Cache-Control"] = noStore
	h["Pragma"] = noCache
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	v.WriteHeader(status)
	_, _ = v.Write(body) // a client that has gone is no fault of ours
}

// sendValue sends what renders itself.
func (s *site) sendValue(v *visit, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		s.refuse(v, oauth.Refuse(oauth.ReasonInternal).Because(err))
		return
	}
	s.sendJSON(v, http.StatusOK, body)
}

// authorization is the one Authorization header of a request, "" if there is
// none. twice is the reason to refuse two.
func (v *visit) authorization(twice oauth.Reason) (string, *oauth.Error) {
	return authorizationOf(v.r, twice)
}

func authorizationOf(r *http.Request, twice oauth.Reason) (string, *oauth.Error) {
	switch values := r.Header["Authorization"]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", oauth.Refuse(twice)
}
