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
}

// site answers for one issuer.
type site struct {
	engine *engine.Engine
	feed   *feed.Feed
	// leaving is Config.Leaving.
	leaving func() bool
	issuer  oauth.Issuer
	hosts   [2]string // what Host may be
	pages   *pages.Site
	// language is the server's own.
	language  string
	log       *slog.Logger
	metrics   *metrics.Metrics
	proxies   proxies
	routes    map[string]*route
	receipts  gate // who waits for one
	lost      *route
	registers bool // clients may register themselves
	// registrations is the path above those of registered clients, and ofRegistration
	// what answers there; nil where clients do not register themselves.
	registrations  string
	ofRegistration *route
	cookies        cookieNames
	formKey        []byte
	keys           atomic.Pointer[document] // the key set as it was last served
	ofFeed         atomic.Pointer[document] // that of the feed
}

// New makes the handler of every public endpoint of the engine's issuer.
func New(c Config) (http.Handler, error) {
	if c.Engine == nil || c.Log == nil {
		return nil, errors.New("web needs an engine and a log")
	}
	issuer := c.Engine.Issuer()
	templates, err := pages.New(issuer.String())
	if err != nil {
		return nil, fmt.Errorf("preparing pages: %w", err)
	}
	metadata, err := documentsOf(oauth.NewMetadata(issuer, capabilities(c)))
	if err != nil {
		return nil, err
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
	}
	s.lost = &route{name: "none", get: s.notFound, post: s.notFound, anyForm: true, figures: s.metrics.Route("none", false)}
	s.receipts = s.newGate("receipts", gateWidth)
	s.routes = s.table(metadata)
	return s, nil
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
