package web

import "net/http"

// sharing says which scripts of other origins may read the answers of an endpoint
// (the CORS protocol of the Fetch standard). Nobody is ever let in with cookies:
// there is no Access-Control-Allow-Credentials.
type sharing int

const (
	// withNobody: the authorization endpoint (RFC 9700 §2.6: "MUST NOT"), every page,
	// and what no browser calls.
	withNobody sharing = iota
	// withClient: what a public client asks in its own name. Only an origin that one of
	// its redirect URIs leads to reads the answer.
	withClient
	// withAll: public documents, and what takes nothing but a token that the caller
	// shows. Who holds that could ask from anywhere.
	withAll
)

// What a preflight is told. It grants nothing that could be read: which origin may
// do that is decided with the request itself, which names the client.
var (
	sharedRequestHeaders = []string{"Authorization, Content-Type, Prefer"}
	sharedAnswerHeaders  = []string{"Error-Reference, Preference-Applied, Retry-After, Retry-After-Ms, WWW-Authenticate"}
	preflightAge         = []string{"7200"} // seconds; what the largest browser keeps at most
	varyByOrigin         = []string{"Origin"}
)

// options answers OPTIONS at an endpoint that is shared: which methods there are
// (RFC 9110 §9.3.7), and to a browser's preflight that it may go on.
func (s *site) options(v *visit) {
	h := v.Header()
	s.guard(h)
	allowed := []string{v.route.allow()}
	h["Allow"] = allowed
	if v.r.Header.Get("Origin") != "" && v.r.Header.Get("Access-Control-Request-Method") != "" {
		h["Access-Control-Allow-Origin"] = anyOrigin
		h["Access-Control-Allow-Methods"] = allowed
		h["Access-Control-Allow-Headers"] = sharedRequestHeaders
		h["Access-Control-Max-Age"] = preflightAge
	}
	h["Cache-Control"] = noStore
	v.WriteHeader(http.StatusNoContent)
}

// share lets every origin read the answer, refusals too, where the endpoint is for
// all. Documents say so themselves, also to who sends no Origin: they are cached.
func (v *visit) share() {
	if v.route.shared == withAll && v.r.Header.Get("Origin") != "" {
		v.shareWith(anyOrigin)
	}
}

// shareWithClient lets an origin of a public client read the answer.
func (s *site) shareWithClient(v *visit, clientID string) {
	if v.route.shared != withClient {
		return
	}
	origin := v.r.Header["Origin"]
	if len(origin) != 1 || !s.engine.MayRead(v.r.Context(), clientID, origin[0]) {
		return
	}
	v.shareWith(origin)
	v.Header()["Vary"] = varyByOrigin
}

func (v *visit) shareWith(origin []string) {
	h := v.Header()
	h["Access-Control-Allow-Origin"] = origin
	h["Access-Control-Expose-Headers"] = sharedAnswerHeaders
}
