package engine

import (
	"container/list"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/metrics"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

// Config is what an engine is made of.
type Config struct {
	Policy *decide.Policy
	Store  *store.Store // the engine does not close it
	KEK    secret.KEK
	Log    *slog.Logger
	Egress *egress.Client // how addresses that clients name are called; nil: the public ones alone
	// TestMode lets Advance move the clock. Whoever opens an engine sees to it that
	// it serves nobody but this machine.
	TestMode bool
	// Metrics counts; nil: nothing is counted.
	Metrics *metrics.Metrics
}

// Engine runs every operation of one issuer.
type Engine struct {
	policy     *decide.Policy
	store      *store.Store
	kek        secret.KEK
	log        *slog.Logger
	egress     *egress.Client
	clientKeys *clientKeys
	clock      clock
	hashing    *hashing
	turns      turns
	minting    atomic.Pointer[mint.Mint]
	reference  secret.ReferenceKey
	formKey    []byte
	fetching   chan struct{} // who waits for a request object that a client keeps
	pairwise   secret.PairwiseKey
	answers    secret.AnswerKey
	trips      secret.TripKey
	providers  *providers
	upstreams  atomic.Pointer[[]UpstreamView] // as they were last seen
	setupHash  atomic.Pointer[[]byte]
	keys       keyring
	stop       context.CancelFunc
	loops      sync.WaitGroup
	metrics    *metrics.Metrics
	constants  constants
}

// Open makes or opens the roots and the signing keys and starts the loops. RSA
// keys of a new database are made in the background: the first token need not
// wait for them.
func Open(ctx context.Context, c Config) (*Engine, error) {
	e := &Engine{policy: c.Policy, store: c.Store, kek: c.KEK, log: c.Log, egress: c.Egress, hashing: newHashing(), turns: newTurns(c.Store.Embedded())}
	e.fetching = make(chan struct{}, requestFetches)
	if e.egress == nil {
		e.egress = egress.New(nil)
	}
	if c.TestMode {
		if !c.Policy.Issuer.IsLoopback() {
			return nil, errTestIssuer
		}
		c.Log.Warn("test mode: the clock can be moved")
	}
	e.clock.movable, e.metrics = c.TestMode, c.Metrics
	e.constants = constants{log: c.Log, metrics: c.Metrics, last: map[string]lastCode{}}
	e.keys.ready = make(chan struct{})
	minting, err := e.openRoots(ctx)
	if err != nil {
		return nil, err
	}
	e.minting.Store(minting)
	if err := e.ensureKeys(ctx, quickAlgs...); err != nil {
		return nil, fmt.Errorf("making signing keys: %w", err)
	}
	if err := e.noteLongest(ctx); err != nil {
		return nil, fmt.Errorf("recording the longest lifetime: %w", err)
	}
	loops, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stop = stop
	e.clientKeys = &clientKeys{
		egress: e.egress, log: c.Log, now: e.clock.now, ctx: loops, going: &e.loops,
		sets: map[string]*list.Element{}, recent: list.New(),
	}
	e.providers = &providers{egress: e.egress, log: c.Log, now: e.clock.now, of: map[string]*provider{}}
	e.loops.Go(func() { e.keepKeys(loops) })
	e.loops.Go(func() { e.sweep(loops) })
	return e, nil
}

// Close stops the loops. Requests under way must have ended.
func (e *Engine) Close() {
	e.stop()
	e.loops.Wait()
}

// Issuer is the issuer of every token, and the base of every link.
func (e *Engine) Issuer() oauth.Issuer { return e.policy.Issuer }

// JWKS is the published key set, as bytes made when the ring last changed.
func (e *Engine) JWKS() []byte { return e.minting.Load().Ring.JWKS() }

// Ready reports whether requests can be answered: the database answers and a
// key may sign.
func (e *Engine) Ready(ctx context.Context) error {
	if _, err := e.store.Head(ctx); err != nil {
		return fmt.Errorf("reading the database: %w", err)
	}
	if err := e.store.Fit(); err != nil {
		return err
	}
	if !e.minting.Load().Ring.Signs(defaultAlg) {
		return mint.ErrNoKey
	}
	return nil
}
