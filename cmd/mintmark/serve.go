package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/mintmark-id/mintmark/internal/config"
	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/feed"
	"github.com/mintmark-id/mintmark/internal/metrics"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/outbox"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
	"github.com/mintmark-id/mintmark/internal/web"
)

type serveCommand struct{ settingsGiven }

// endsWithin is how long requests under way may take when the server stops.
const endsWithin = 10 * time.Second

// Run serves until it is interrupted.
func (*serveCommand) Run(i *invocation) error {
	c, err := i.effective()
	if err != nil {
		return err
	}
	signals, ignore := told()
	defer ignore()
	lines := newLogWriter(i.err)
	defer lines.Close()
	s, err := startServer(i, c, newLog(c, lines, isTerminal(i.err)))
	if err != nil {
		return err
	}
	if err := s.announce(i.ctx, i.out); err != nil {
		return errors.Join(err, s.close())
	}
	spareTheCollector()
	spareAProcessor()
	settled := time.AfterFunc(settling, settle)
	defer settled.Stop()
	select {
	case <-i.ctx.Done():
		err = s.leave(signals)
	case err = <-s.failed:
	}
	return errors.Join(err, s.close())
}

// spareTheCollector lets the heap grow to five times what lives before garbage is
// collected. What lives is a few megabytes, so by Go's default of twice that the
// collector runs so often under load that it took a fifth of what a token costs.
// GOGC in the environment still decides.
func spareTheCollector() {
	const growth = 400 // percent
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(growth)
	}
}

// spareAProcessor lets Go run two threads where there is one processor: one that waits
// for the disk would leave it idle, and a busy one looks at the network every 10 ms only,
// while one that the kernel wakes for it runs at once. With more processors the others do
// that, and another would cost the short requests 2 %. What is sized by processors was
// sized before. GOMAXPROCS in the environment still decides.
func spareAProcessor() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) == 1 {
		runtime.GOMAXPROCS(2)
	}
}

// server is a running server and all that it holds open.
type server struct {
	config    *config.Config
	log       *slog.Logger
	address   net.Addr
	metricsAt net.Addr // nil: they have no listener
	mutualAt  net.Addr // nil: no connection shows a client's certificate
	adminAt   string   // empty: the administration is at its socket alone
	schema    int64
	metrics   *metrics.Metrics
	store     *store.Store
	engine    *engine.Engine
	feed      *feed.Feed
	http      []*http.Server // public, administration
	failed    chan error     // a listener that ended by itself
	leaving   atomic.Bool    // it was told to stop, and serves for a while yet
	closers   []func() error // what was opened last is closed first
}

// startServer opens everything, in the order in which it can fail cheaply: a busy
// port leaves no database behind.
func startServer(i *invocation, c *config.Config, log *slog.Logger) (_ *server, err error) {
	s := &server{config: c, log: log, metrics: metrics.New(release), failed: make(chan error, 5)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	public, err := s.listen(i.ctx)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	private, err := listenSocket(i.ctx, c.Socket())
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, private.Close)
	figures, err := s.listenMetrics(i.ctx)
	if err != nil {
		return nil, err
	}
	remote, err := s.listenAdmin(i.ctx)
	if err != nil {
		return nil, err
	}
	mutual, err := s.listenMutual(i.ctx)
	if err != nil {
		return nil, err
	}
	if err := s.openEngine(i); err != nil {
		return nil, err
	}
	return s, s.serve(listeners{public: public, private: private, figures: figures, remote: remote, mutual: mutual})
}

// listeners are all that a server answers on; the last three may be nil.
type listeners struct{ public, private, figures, remote, mutual net.Listener }

// listen opens the public listener, with TLS where there are certificates.
func (s *server) listen(ctx context.Context) (net.Listener, error) {
	var options net.ListenConfig
	listener, err := options.Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w: stop what listens there, or choose another address with --listen", s.config.Listen, err)
	}
	s.closers = append(s.closers, listener.Close)
	s.address = listener.Addr()
	s.config.FollowPort(s.address.String())
	if s.config.TLSCert == "" {
		return listener, nil
	}
	pair, err := loadCertificate(s.config.TLSCert, s.config.TLSKey, s.log)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(listener, pair.tlsConfig()), nil
}

// openEngine opens database, key and engine.
func (s *server) openEngine(i *invocation) error {
	database, err := openStore(i, s.config, s.log)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, database.Close)
	s.store = database
	database.Count(s.metrics)
	if s.schema, err = schemaVersion(i.ctx, database); err != nil {
		return err
	}
	key, err := openKEK(i.ctx, s.config, database)
	if err != nil {
		return err
	}
	s.engine, err = s.newEngine(i.ctx, key)
	if errors.Is(err, secret.ErrOtherKEK) {
		return fmt.Errorf("the database was sealed under another key-encryption key than %s: %w: put back the one that it was made with", kekSource(s.config), err)
	}
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { s.engine.Close(); return nil })
	s.feed, err = feed.Open(i.ctx, feed.Config{
		Store: database, Issuer: s.engine.Issuer().String(), Ring: s.engine.Ring, Now: s.engine.Now, Node: nodeName(s.address),
		Log: s.log, Metrics: s.metrics,
	})
	if err != nil {
		return fmt.Errorf("opening the revocation feed: %w", err)
	}
	s.closers = append(s.closers, func() error { s.feed.Close(); return nil })
	post := outbox.Open(i.ctx, outbox.Config{
		Store: database, Issuer: s.engine.Issuer().String(), SubjectFor: s.engine.SubjectFor,
		Ring:   s.engine.Ring,
		Egress: egress.New(s.config.TrustedNetwork), Now: s.engine.Now, Log: s.log,
	})
	s.closers = append(s.closers, func() error { post.Close(); return nil })
	return nil
}

// schemaVersion is the number of the last step that the database has.
func schemaVersion(ctx context.Context, database *store.Store) (int64, error) {
	steps, err := database.MigrationStatus(ctx)
	var last int64
	for _, step := range steps {
		if step.Applied {
			last = max(last, step.Version)
		}
	}
	return last, err
}

// nodeName tells this server from others on the same database.
func nodeName(address net.Addr) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unnamed"
	}
	_, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return host
	}
	return net.JoinHostPort(host, port)
}

func kekSource(c *config.Config) string {
	if c.KEK != "" {
		return "that of MINTMARK_KEK"
	}
	return c.KEKFile
}

// newEngine turns settings into a policy.
func (s *server) newEngine(ctx context.Context, key secret.KEK) (*engine.Engine, error) {
	c := s.config
	issuer, err := oauth.ParseIssuer(c.Issuer)
	if err != nil {
		return nil, err
	}
	policy := decide.DefaultPolicy(issuer)
	l := &c.Lifetimes
	for to, from := range map[*int64]time.Duration{
		&policy.AccessTTL:       l.AccessTTL,
		&policy.IDTTL:           l.IDTTL,
		&policy.CodeTTL:         l.CodeTTL,
		&policy.RefreshIdle:     l.RefreshIdle,
		&policy.RefreshAbsolute: l.RefreshAbsolute,
		&policy.RetryWindow:     l.RetryWindow,
		&policy.SessionIdle:     l.SessionIdle,
		&policy.SessionAbsolute: l.SessionAbsolute,
	} {
		*to = from.Milliseconds()
	}
	policy.Registration = decide.RegistrationPolicy{
		Mode: decide.RegistrationMode(c.Registration), PerNetwork: c.RegistrationLimit, Keep: c.RegistrationKeep.Milliseconds(),
	}
	if policy.Mutual, err = mutualTLS(c); err != nil {
		return nil, err
	}
	policy.SignUp = c.SignUp == "unverified"
	policy.Passwords, _ = secret.PasswordPolicyNamed(c.PasswordPolicy) // checked
	return engine.Open(ctx, engine.Config{
		Policy: policy, Store: s.store, KEK: key, Log: s.log, Metrics: s.metrics, Egress: egress.New(c.TrustedNetwork), TestMode: c.TestMode,
	})
}

// serve answers on all listeners. Figures are on those of the administration and, if
// there is one, on a listener of their own: never where the public asks.
func (s *server) serve(on listeners) error {
	handlers, err := web.New(web.Config{
		Engine: s.engine, Feed: s.feed, Log: s.log, Metrics: s.metrics, TrustedProxies: s.config.TrustedProxy, Language: s.config.Language,
		NamesImplicit: s.config.AdvertiseImplicit, CertificatesFromProxies: s.config.MTLSProxy, Leaving: s.leaving.Load,
	})
	if err != nil {
		return err
	}
	administration := web.AdminConfig{
		Engine: s.engine, Feed: s.feed, Log: s.log, Version: release, Database: s.config.DatabaseName(), Schema: s.schema,
		Listen: []string{s.address.String()}, StartedAt: time.Now(), Metrics: s.metrics, Figures: s.metrics.Handler(),
		TrustedProxies: s.config.TrustedProxy,
	}
	s.metrics.Watch(s.reading)
	s.answer(on.public, handlers.Public)
	s.http[0].RegisterOnShutdown(s.feed.Stop) // its streams do not end by themselves
	s.answer(on.private, web.Admin(administration))
	if on.figures != nil {
		alone := http.NewServeMux()
		alone.Handle("GET /metrics", s.metrics.Handler())
		s.answer(on.figures, alone)
	}
	if on.remote != nil {
		s.answer(on.remote, web.RemoteAdmin(administration))
	}
	if on.mutual != nil {
		s.answer(on.mutual, handlers.Mutual)
	}
	return nil
}

// answer has a handler answer on a listener until the server is closed.
func (s *server) answer(listener net.Listener, handler http.Handler) {
	serving := web.NewServer(handler, s.log)
	s.http = append(s.http, serving)
	go func() {
		if err := serving.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serving: %w", err)
		}
	}()
}

// announce tells people where the server is.
func (s *server) announce(ctx context.Context, out io.Writer) error {
	issuer := s.engine.Issuer()
	rows := [][]string{
		{"Mintmark", release},
		{"listening", s.address.String()},
		{"issuer", issuer.String()},
		{"discovery", issuer.Endpoint("/.well-known/openid-configuration")},
		{"data", s.config.Data},
	}
	if s.metricsAt != nil {
		rows = append(rows, []string{"metrics", "http://" + s.metricsAt.String() + "/metrics"})
	}
	if s.adminAt != "" {
		rows = append(rows, []string{"admin", s.adminAt})
	}
	if s.mutualAt != nil {
		rows = append(rows, []string{"mtls", s.config.MTLSOrigin + " on " + s.mutualAt.String()})
	}
	if s.config.TestMode {
		rows = append(rows, []string{"TEST MODE", "the clock can be moved through the admin API: for tests only"})
	}
	token, err := s.engine.IssueSetupToken(ctx)
	if err != nil {
		return fmt.Errorf("looking for users: %w", err)
	}
	if token != "" {
		rows = append(rows, []string{"setup", web.SetupLink(issuer, token)})
	}
	if err := aligned(out, rows); err != nil {
		return err
	}
	ready := "Ready."
	if token != "" {
		ready += " There are no users yet: the setup link makes the first one. It works once, until the server stops."
	}
	_, err = fmt.Fprintln(out, ready)
	return err
}

// close stops accepting, lets what is under way end, and closes the rest.
func (s *server) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), endsWithin)
	defer cancel()
	var errs []error
	for _, server := range s.http {
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("ending requests that took too long: %w", errors.Join(err, server.Close())))
		}
	}
	for _, closer := range slices.Backward(s.closers) {
		if err := closer(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
