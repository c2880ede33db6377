package verify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
)

// Verifier checks the access tokens of one issuer for one API. Its methods may be
// called by any number of goroutines.
type Verifier struct {
	issuer, audience string
	settings         settings
	liveFor          time.Duration

	life     context.Context // ends with Close, and with the context given to New
	end      context.CancelFunc
	work     sync.WaitGroup
	remote   remote
	parser   jose.Parser
	keys     keyring // of tokens
	headKeys keyring // of heads and snapshots

	view  atomic.Pointer[view]    // what readers look at
	last  atomic.Pointer[vouched] // what can be kept on disk
	ready chan struct{}           // closed with the first view
	moved chan struct{}           // room for one: the view has changed

	cache         cache
	recurring     recurringNames
	introspection introspector
	calls         calls
	receipts      chan receipt
	shown         atomic.Pointer[string] // a head that the server is to be shown
	counts        counts
	problem       atomic.Pointer[string]
}

// counts are of what did not go the usual way. The usual way counts nothing.
type counts struct{ local, introspected, unavailable atomic.Uint64 }

// Status is how a verifier stands, for health pages and metrics.
type Status struct {
	Name    string
	Policy  Policy
	State   State
	Log     string        // which log it follows
	Seq     int64         // up to where a head has vouched for it
	Entries int           // in the table
	Age     time.Duration // since the issuer vouched for it
	Problem string        // why the feed failed last; empty while it works

	DecidedLocally uint64 // calls let through by a verifier that was not live
	Introspected   uint64 // calls that the issuer was asked about
	Unavailable    uint64 // calls answered with 503
}

// New starts a verifier of the tokens that issuer makes for audience. It returns
// at once and fails only for settings that cannot work; calls that come before
// the first snapshot wait for it, up to 2 s. It follows the issuer until ctx
// ends or Close is called.
func New(ctx context.Context, issuer, audience string, opts ...Option) (*Verifier, error) {
	s := newSettings(opts)
	if err := s.check(issuer, audience); err != nil {
		return nil, fmt.Errorf("making a verifier: %w", err)
	}
	v := &Verifier{
		issuer: issuer, audience: audience, settings: s, liveFor: jitter(liveFor, 0.3),
		remote:   remote{issuer: issuer, id: s.clientID, secret: s.clientSecret, client: s.client},
		ready:    make(chan struct{}),
		moved:    make(chan struct{}, 1),
		receipts: make(chan receipt, 1),
	}
	v.life, v.end = context.WithCancel(ctx)
	v.keys.remote, v.keys.path, v.keys.life = &v.remote, pathKeys, v.life
	v.headKeys.remote, v.headKeys.path, v.headKeys.life = &v.remote, pathHeadKeys, v.life
	v.introspection.remote, v.introspection.life, v.introspection.audience = &v.remote, v.life, audience
	f := &follower{v: v}
	if s.seedDir != "" {
		v.sow(f)
	}
	v.keys.fetch() // so that the first call need not wait for them
	v.work.Go(func() { f.run(v.life) })
	v.work.Go(func() { v.sendReceipts(v.life) })
	v.work.Go(func() { v.watch(v.life) })
	v.work.Go(func() { v.tryIntrospection(v.life) })
	if s.seedDir != "" {
		v.work.Go(func() { v.keepSeed(v.life) })
	}
	return v, nil
}

// Close stops following the issuer, cuts the streams that are watched and, with
// a seed, saves what is known.
func (v *Verifier) Close() error {
	v.end()
	v.work.Wait()
	return nil
}

// Status tells how the verifier stands.
func (v *Verifier) Status() Status {
	now, w := time.Now(), v.view.Load()
	s := Status{
		Name: v.settings.name, Policy: v.settings.policy, State: v.state(w, now),
		DecidedLocally: v.counts.local.Load(), Introspected: v.counts.introspected.Load(), Unavailable: v.counts.unavailable.Load(),
	}
	if w != nil {
		s.Age, s.Entries = w.age(now), w.table.Len()
	}
	if last := v.last.Load(); last != nil {
		s.Log, s.Seq = last.log, last.seq
	}
	if problem := v.problem.Load(); problem != nil {
		s.Problem = *problem
	}
	return s
}

// publish swaps the view and wakes whoever waits for a change. Only the follower
// calls it, once it runs.
func (v *Verifier) publish(w *view) {
	first := v.view.Swap(w) == nil
	if first {
		close(v.ready)
	}
	select {
	case v.moved <- struct{}{}:
	default:
	}
}

// trouble notes why the feed failed.
func (v *Verifier) trouble(err error) {
	text := err.Error()
	if before := v.problem.Swap(&text); before != nil && *before == text {
		return
	}
	if errors.Is(err, errRollback) {
		v.settings.log.ErrorContext(v.life, "the revocation log went back", "error", err)
		return
	}
	v.settings.log.WarnContext(v.life, "the revocation feed failed", "error", err)
}

// tryIntrospection says in the log, once something is known, if what the verifier
// falls back on would not work.
func (v *Verifier) tryIntrospection(ctx context.Context) {
	select {
	case <-v.ready:
	case <-ctx.Done():
		return
	}
	if err := v.introspection.mayAsk(ctx); err != nil {
		v.settings.log.ErrorContext(ctx, "this client may not introspect tokens for this audience",
			"client", v.settings.clientID, "audience", v.audience, "error", err)
	}
}

// watch cuts streams whose tokens have died, at once when the log says so, and
// logs when the state changes.
func (v *Verifier) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	state := v.state(v.view.Load(), time.Now())
	for {
		select {
		case <-ctx.Done():
			v.calls.cut(func(c *call) bool { return c.streaming(time.Now()) })
			return
		case <-v.moved:
		case <-tick.C:
		}
		now, w := time.Now(), v.view.Load()
		if next := v.state(w, now); next != state {
			state = next
			v.announce(state)
		}
		if w != nil {
			v.calls.cut(func(c *call) bool { return v.doomed(c, w, state, now) })
		}
	}
}

func (v *Verifier) announce(state State) {
	log := v.settings.log.With("state", state.String(), "policy", v.settings.policy.String())
	switch state {
	case Live:
		log.InfoContext(v.life, "the revocation log is followed")
	case Expired:
		log.ErrorContext(v.life, "the revocation log has not been heard of for 55 s")
	default:
		log.WarnContext(v.life, "the revocation log is not fresh")
	}
}

// doomed reports whether an open stream must end.
func (v *Verifier) doomed(c *call, w *view, state State, now time.Time) bool {
	return c.streaming(now) && (w.over(c.seen, now) || v.dead(w, c.seen) || state == Expired && v.settings.policy == Strict)
}
