package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/feed"
	"github.com/mintmark-id/mintmark/internal/metrics"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// Config is what the handler is made of.
type Config struct {
	Engine *engine.Engine
	Feed   *feed.Feed // nil: this server has none
	Log    *slog.Logger
	// Metrics counts; nil: nothing is counted.
	Metrics *metrics.Metrics
	// TrustedProxies are the networks whose X-Forwarded-* and Forwarded headers
	// are believed. From everybody else they are ignored.
	TrustedProxies []netip.Prefix
	// Language is that of the pages for whoever asks for none of ours. Empty: the
	// first of Languages.
	Language string
	// NamesImplicit lets the metadata name the implicit grant, which is refused all
	// the same.
	NamesImplicit bool
	// Leaving reports whether the server was told to stop: it is not ready then, and
	// serves all the same. nil: it never is.
	Leaving func() bool
	// CertificatesFromProxies believes the field Client-Cert of the trusted proxies
	// (RFC 9440). From everybody else it is ignored.
	CertificatesFromProxies bool
}

// Handlers are the public endpoints.
type Handlers struct {
	Public http.Handler
	// Mutual is for a listener whose connections may show a client's certificate: the
	// endpoints that clients call by themselves, under the address of the metadata's
	// mtls_endpoint_aliases. Without such an address it answers nobody.
	Mutual http.Handler
}

// site answers for one issuer.
type site struct {
	engine *engine.Engine
	feed   *feed.Feed
	// leaving is Config.Leaving.
	leaving func() bool
	issuer  oauth.Issuer
	hosts   [2]string // what Host may be
	// mutualHosts are what Host may be where connections show a certificate; empty:
	// there is no such address.
	mutualHosts [2]string
	fromProxies bool // Client-Cert of the trusted proxies counts
	pages       *pages.Site
	// language is the server's own.
	language  string
	log       *slog.Logger
	metrics   *metrics.Metrics
	proxies   proxies
	routes    map[string]*route
	receipts  *gate // who waits for one
	lost      *route
	notMutual *route // what is elsewhere only
	registers bool   // clients may register themselves
	// registrations is the path above those of registered clients, and ofRegistration
	// what answers there; nil where clients do not register themselves.
	registrations  string
	ofRegistration *route
	// arrivals is the path above the addresses that upstreams send browsers back to,
	// and ofArrival what answers there.
	arrivals  string
	ofArrival *route
	cookies   cookieNames
	formKey   []byte
	keys      atomic.Pointer[document] // the key set as it was last served
	ofFeed    atomic.Pointer[document] // that of the feed
}

// New makes the handler of every public endpoint of the engine's issuer.
func New(c Config) (Handlers, error) {
	if c.Engine == nil || c.Log == nil {
		return Handlers{}, errors.New("web needs an engine and a log")
	}
	issuer := c.Engine.Issuer()
	templates, err := pages.New(issuer.String())
	if err != nil {
		return Handlers{}, fmt.Errorf("preparing pages: %w", err)
	}
	can := capabilities(c)
	metadata, err := documentsOf(oauth.NewMetadata(issuer, can))
	if err != nil {
		return Handlers{}, err
	}
	s := &site{
		engine:    c.Engine,
		feed:      c.Feed,
		leaving:   c.Leaving,
		issuer:    issuer,
		hosts:     hostsOf(issuer),
		pages:     templates,
		language:  oneOf(c.Language, Languages()[0]),
		log:       c.Log,
		metrics:   c.Metrics,
		proxies:   c.TrustedProxies,
		cookies:   cookiesOf(issuer),
		formKey:   c.Engine.FormKey(),
		registers: c.Engine.RegistrationIsOn(),

		mutualHosts: mutualHosts(can.MutualOrigin),
		fromProxies: c.CertificatesFromProxies,
	}
	s.lost = &route{name: "none", get: s.notFound, post: s.notFound, anyForm: true, figures: s.metrics.Route("none", false)}
	s.notMutual = &route{name: "not mutual", get: s.nothing, post: s.nothing, style: asJSON, anyForm: true, figures: s.metrics.Route("not mutual", false)}
	s.receipts = s.newGate("receipts", roomFor(gateWidth))
	s.routes = s.table(metadata)
	mutual := func(w http.ResponseWriter, r *http.Request) { s.receive(w, r, true) }
	return Handlers{Public: s, Mutual: http.HandlerFunc(mutual)}, nil
}

// capabilities are the engine's, and the feed where there is one.
func capabilities(c Config) oauth.Capabilities {
	can := c.Engine.Capabilities()
	can.UILocales, can.PromptCreate, can.NamesImplicit = Languages(), c.Engine.SignUpOpen() == nil, c.NamesImplicit
	if c.Feed != nil {
		can.RevocationFeed = true
		can.Scopes = can.Scopes.Or(oauth.NewScopes(oauth.ScopeReadRevocations))
	}
	return can
}
