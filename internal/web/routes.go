package web

import (
	"net/http"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// route is one endpoint: which methods it answers and how its refusals look.
// Paths are exact, so a map finds them; http.ServeMux would answer some requests
// by itself (redirects to cleaned paths, a 405 of its own) without our checks,
// headers and log line.
type route struct {
	name    string // the path, for the log
	get     func(*visit)
	post    func(*visit)
	style   style
	anyHost bool // health checks come by address
	anyForm bool // a post may be without a form: userinfo, and what is not there
	quiet   bool // logged at debug level
	gate    gate
}

// style is how the refusals of an endpoint look.
type style int

const (
	asPage   style = iota // to people
	asJSON                // RFC 6749 §5.2
	asBearer              // RFC 6750 §3
)

// table lists the endpoints. Metadata and JWKS are documents made in advance.
func (s *site) table(metadata *document) map[string]*route {
	routes := map[string]*route{}
	add := func(r route, path string) {
		r.name = path
		routes[path] = &r
	}
	base := s.issuer.Path()

	documents, tokens, lookups, people := newGate(), newGate(), newGate(), newGate()

	serveMetadata := func(v *visit) { s.serveDocument(v, metadata) }
	for _, path := range s.issuer.MetadataPaths() {
		add(route{get: serveMetadata, style: asJSON, gate: documents}, path)
	}
	for path, r := range map[string]route{
		oauth.PathJWKS:       {get: s.jwks, style: asJSON, gate: documents},
		oauth.PathAuthorize:  {get: s.authorize, post: s.authorize},
		oauth.PathToken:      {post: s.token, style: asJSON, gate: tokens},
		oauth.PathIntrospect: {post: s.introspect, style: asJSON, gate: lookups},
		oauth.PathRevoke:     {post: s.revoke, style: asJSON, gate: lookups},
		oauth.PathUserinfo:   {get: s.userinfo, post: s.userinfo, style: asBearer, anyForm: true, gate: lookups},
		oauth.PathEndSession: {get: s.endSession, post: s.endSession},

		pages.PathIndex:          {get: s.index},
		pages.PathLogin:          {get: s.loginPage, post: s.login},
		pages.PathConsent:        {get: s.consentPage, post: s.consent},
		pages.PathLogout:         {get: s.logoutPage, post: s.logout},
		pages.PathSetup:          {get: s.setupPage, post: s.setup},
		pathSetupDone:            {get: s.setupDone},
		pages.PathAccount:        {get: s.accountPage},
		pages.PathAccountPass:    {post: s.changePassword},
		pages.PathAccountSession: {post: s.endOwnSession},
		pages.PathAccountApp:     {post: s.removeApp},
		pages.PathAccountSignOut: {post: s.signOut},
	} {
		if r.gate == nil {
			r.gate = people
		}
		add(r, base+path)
	}
	if base != "" {
		add(route{get: s.index, gate: people}, base)
	}
	for _, asset := range s.pages.Assets() {
		add(route{get: func(v *visit) { s.asset(v, asset) }, gate: documents}, base+asset.Path)
	}
	for _, prefix := range []string{"", base} {
		add(route{get: s.healthy, style: asJSON, anyHost: true, quiet: true}, prefix+"/healthz")
		add(route{get: s.ready, style: asJSON, anyHost: true, quiet: true}, prefix+"/readyz")
	}
	return routes
}

// find gives the route of a path. A path that is written with escapes is not
// one of ours: what a proxy in front compares must be what we compare.
func (s *site) find(r *http.Request) *route {
	if found, ok := s.routes[r.URL.Path]; ok && r.URL.RawPath == "" {
		return found
	}
	return s.lost
}

// handler gives what answers the method, nil if nothing does.
func (r *route) handler(method string) func(*visit) {
	switch method {
	case http.MethodGet, http.MethodHead:
		return r.get
	case http.MethodPost:
		return r.post
	}
	return nil
}

// allow is the value of Allow. RFC 9110 §10.2.1.
func (r *route) allow() string {
	switch {
	case r.get != nil && r.post != nil:
		return "GET, HEAD, POST"
	case r.get != nil:
		return "GET, HEAD"
	}
	return "POST"
}
