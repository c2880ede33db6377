package web

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/mintmark-id/mintmark/internal/metrics"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// route is one endpoint: which methods it answers and how its refusals look.
// Paths are exact, so a map finds them; http.ServeMux would answer some requests
// by itself (redirects to cleaned paths, a 405 of its own) without our checks,
// headers and log line.
type route struct {
	name    string // the path, for the log
	about   string // for the reference page, a sentence
	spec    string // for the reference page: what it keeps to, where that is a standard
	get     func(*visit)
	post    func(*visit)
	put     func(*visit)
	remove  func(*visit) // DELETE
	options func(*visit) // where the answers are shared
	style   style
	shared  sharing      // with which scripts of other origins
	anyHost bool         // health checks come by address
	anyForm bool         // a post may be without a form: userinfo, and what is not there
	isJSON  bool         // a post is JSON
	notJSON oauth.Reason // to refuse one that is not
	scope   string       // that a bearer needs
	mutual  bool         // also where connections show a client's certificate
	quiet   bool         // logged at debug level
	endless bool         // answers of the feed go on for as long as somebody reads
	gate    *gate
	figures *metrics.Route
	lines   map[string]slog.Handler // by method: what writes the lines, and what is the same in all of them
}

// style is how the refusals of an endpoint look.
type style int

const (
	asPage         style = iota // to people
	asJSON                      // RFC 6749 §5.2
	asBearer                    // RFC 6750 §3
	asRegistration              // RFC 7591 §3.2.2; of a token RFC 6750 §3
)

// table lists the endpoints. Metadata and JWKS are documents made in advance.
func (s *site) table(metadata metadataDocuments) map[string]*route {
	routes, base := map[string]*route{}, s.issuer.Path()
	add := func(r route, path string) {
		r.name = path
		s.observe(&r)
		if r.shared != withNobody {
			r.options = s.options
		}
		routes[path] = &r
	}
	documents, tokens := s.newGate("documents", roomFor(gateWidth)), s.newGate("tokens", roomForTokens())
	lookups, people := s.newGate("lookups", roomFor(gateWidth)), s.newGate("pages", roomFor(gateWidth))

	for _, path := range s.issuer.MetadataPaths() {
		shown := metadata.oauth
		if s.issuer.IsOpenIDPath(path) {
			shown = metadata.openID
		}
		add(route{get: func(v *visit) { s.serveDocument(v, shown) }, style: asJSON, shared: withAll, gate: documents, about: "What the server is and where its endpoints are.", spec: "RFC 8414 §3; OpenID Connect Discovery §4"}, path)
	}
	for path, r := range map[string]route{
		oauth.PathJWKS:       {get: s.jwks, style: asJSON, shared: withAll, gate: documents, about: "The public keys that tokens are verified with.", spec: "RFC 7517 §5"},
		oauth.PathAuthorize:  {get: s.authorize, post: s.authorize, about: "Where a client sends a browser to have its user signed in and asked.", spec: "RFC 6749 §3.1; OpenID Connect Core §3.1.2"},
		oauth.PathToken:      {post: s.token, mutual: true, style: asJSON, shared: withClient, gate: tokens, about: "Tokens for a code, for a refresh token, or for the client itself.", spec: "RFC 6749 §3.2"},
		oauth.PathIntrospect: {post: s.introspect, mutual: true, style: asJSON, gate: lookups, about: "What a token is worth now.", spec: "RFC 7662 §2"},
		oauth.PathRevoke:     {post: s.revoke, mutual: true, style: asJSON, shared: withClient, gate: lookups, about: "A client ends a token of its own.", spec: "RFC 7009 §2"},
		oauth.PathUserinfo:   {get: s.userinfo, post: s.userinfo, mutual: true, style: asBearer, shared: withAll, scope: oauth.ScopeOpenID, anyForm: true, gate: lookups, about: "What the bearer of an access token may know of its user.", spec: "OpenID Connect Core §5.3"},
		oauth.PathEndSession: {get: s.endSession, post: s.endSession, about: "Where a client sends a browser to have it signed out.", spec: "OpenID Connect RP-Initiated Logout §2"},

		pages.PathIndex:          {get: s.index, about: "A page that says what this server is."},
		pages.PathLogin:          {get: s.loginPage, post: s.login, about: "The sign-in page."},
		pages.PathUpstream:       {post: s.depart, about: "Sends a browser to an upstream, to sign in there."},
		pages.PathSignUp:         {get: s.signUpPage, post: s.signUp, about: "The page on which somebody makes an account, where the setting sign_up lets them."},
		pages.PathConsent:        {get: s.consentPage, post: s.consent, about: "The page on which a user allows or denies a client."},
		pages.PathChoose:         {get: s.choosePage, post: s.choose, about: "The page that asks which account to go on with."},
		pages.PathLogout:         {get: s.logoutPage, post: s.logout, about: "The page that asks whether to sign out."},
		pages.PathSetup:          {get: s.setupPage, post: s.setup, about: "The page behind the setup link, which makes the first user once."},
		pages.PathSetupDone:      {get: s.setupDone, about: "What to do after the setup."},
		pages.PathAccount:        {get: s.accountPage, about: "The user's own page: where they are signed in, and which apps may act for them."},
		pages.PathAccountPass:    {post: s.changePassword, about: "Changes the password; unless told otherwise everything signed in elsewhere ends."},
		pages.PathAccountSession: {post: s.endOwnSession, about: "Ends one of the user's sign-ins."},
		pages.PathAccountApp:     {post: s.removeApp, about: "Takes back what the user let a client do."},
		pages.PathAccountSignOut: {post: s.signOut, about: "Signs out here, or everywhere."},
	} {
		if r.gate == nil {
			r.gate = people
		}
		add(r, base+path)
	}
	if base != "" {
		add(route{get: s.index, gate: people}, base)
	}
	s.addArrivals(add, base, people)
	for _, asset := range s.pages.Assets() {
		add(route{get: func(v *visit) { s.asset(v, asset) }, gate: documents, about: "A file of the pages, named by its hash."}, base+asset.Path)
	}
	if s.feed != nil {
		readers := s.newGate("feed", roomFor(readersWidth))
		for path, r := range map[string]route{
			oauth.PathFeedSnapshot: {get: s.feedSnapshot, gate: lookups, about: "What a verifier that starts must know of the revocation log."},
			oauth.PathFeedStream:   {get: s.feedStream, gate: readers, endless: true, about: "The revocation log as it happens, as server-sent events."},
			oauth.PathFeedPoll:     {get: s.feedPoll, gate: readers, endless: true, about: "The same by long poll."},
			oauth.PathFeedReceipt:  {post: s.feedReceipt, isJSON: true, gate: lookups, about: "A verifier says what it has applied."},
			oauth.PathFeedJWKS:     {get: s.feedKeys, gate: documents, shared: withAll, about: "The public keys that heads and snapshots of the feed are verified with.", spec: "RFC 7517 §5"},
		} {
			r.mutual = true // whose tokens are bound reads it there
			r.style, r.scope, r.notJSON = asBearer, oauth.ScopeReadRevocations, oauth.ReasonReportMalformed
			add(r, base+path)
		}
	}
	if s.registers {
		s.addRegistration(add, base+oauth.PathRegister)
	}
	for _, prefix := range []string{"", base} {
		add(route{get: s.healthy, style: asJSON, anyHost: true, mutual: true, quiet: true, about: "Whether the process lives. It looks at nothing else."}, prefix+"/healthz")
		add(route{get: s.ready, style: asJSON, anyHost: true, mutual: true, quiet: true, about: "Whether new requests should come here: the database answers, a key may sign, and the server was not told to stop (503 with why not in a word)."}, prefix+"/readyz")
	}
	return routes
}

// observe gives an endpoint what counts its requests and writes their lines.
func (s *site) observe(r *route) {
	label, assets := r.name, s.issuer.Path()+"/assets"
	if strings.HasPrefix(r.name, assets+"/") {
		label = assets // their names are hashes
	}
	r.figures, r.lines = s.metrics.Route(label, r.endless), map[string]slog.Handler{}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		r.lines[method] = s.lines(method, r.name)
	}
}

// addArrivals adds the route below which each upstream has an address of its own, and
// what the account page does about them.
func (s *site) addArrivals(add func(route, string), base string, people *gate) {
	s.arrivals = base + pages.PathUpstream + "/"
	s.ofArrival = &route{
		name: s.arrivals + "{upstream}", get: s.arrive, gate: people,
		about: "Where an upstream sends a browser back to: one address for each.", spec: "OpenID Connect Core §3.1.2.5; RFC 9700 §4.4.2.2",
	}
	s.observe(s.ofArrival)
	for path, r := range map[string]route{
		pages.PathAccountLink:   {post: s.departToLink, about: "Sends a browser to an upstream, to link the account that its user has there."},
		pages.PathAccountUnlink: {post: s.unlink, about: "Takes a foreign account from the user, unless it is their last way in; everything signed in elsewhere ends."},
	} {
		r.gate = people
		add(r, base+path)
	}
}

// addRegistration adds the routes of clients that register themselves.
func (s *site) addRegistration(add func(route, string), path string) {
	whole := route{
		isJSON: true, notJSON: oauth.ReasonRegistrationMalformed, style: asRegistration, shared: withAll, gate: s.newGate("registration", roomFor(gateWidth)),
	}
	one := whole
	whole.post, whole.about, whole.spec = s.register, "A client registers itself; where the setting `registration` is on.", "RFC 7591 §3; OpenID Connect Dynamic Client Registration §3"
	add(whole, path)
	one.get, one.put, one.remove = s.registration, s.updateRegistration, s.deleteRegistration
	one.options = s.options
	one.name, one.about, one.spec = path+"/{client_id}", "A client that registered itself reads, replaces or deletes its registration.", "RFC 7592 §2; OpenID Connect Dynamic Client Registration §4"
	one.figures = s.metrics.Route(one.name, false)
	s.registrations, s.ofRegistration = path+"/", &one
}

// find gives the route of a path. A path that is written with escapes is not
// one of ours: what a proxy in front compares must be what we compare.
func (s *site) find(r *http.Request) *route {
	if found, ok := s.routes[r.URL.Path]; ok && r.URL.RawPath == "" {
		return found
	}
	if s.ofRegistration != nil && r.URL.RawPath == "" {
		if id, below := strings.CutPrefix(r.URL.Path, s.registrations); below && id != "" && !strings.Contains(id, "/") {
			return s.ofRegistration
		}
	}
	if id, below := strings.CutPrefix(r.URL.Path, s.arrivals); below && r.URL.RawPath == "" && isUpstreamID(id) {
		return s.ofArrival
	}
	return s.lost
}

// isUpstreamID: what is none need not be looked for.
func isUpstreamID(id string) bool {
	const longest = 64
	return id != "" && len(id) <= longest && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// handler gives what answers the method, nil if nothing does.
func (r *route) handler(method string) func(*visit) {
	switch method {
	case http.MethodGet, http.MethodHead:
		return r.get
	case http.MethodPost:
		return r.post
	case http.MethodPut:
		return r.put
	case http.MethodDelete:
		return r.remove
	case http.MethodOptions:
		return r.options
	}
	return nil
}

// allow is the value of Allow. RFC 9110 §10.2.1.
func (r *route) allow() string {
	var methods []string
	for _, of := range []struct {
		name   string
		answer func(*visit)
	}{{"GET, HEAD", r.get}, {http.MethodPost, r.post}, {http.MethodPut, r.put}, {http.MethodDelete, r.remove}, {http.MethodOptions, r.options}} {
		if of.answer != nil {
			methods = append(methods, of.name)
		}
	}
	return strings.Join(methods, ", ")
}
