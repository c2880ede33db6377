package verify

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// initWait is how long a call waits for a verifier that has only just started.
const initWait = 2 * time.Second

// demand is what a call asks of the verifier beyond a good token.
type demand struct {
	request *http.Request // that the token came by; nil: its context says what was shown
	unsafe  bool          // it changes something, or opens a connection that will
	fresh   time.Duration // what is known must be no older; 0 for the policy's own bound
}

// Check judges an access token, for callers without HTTP. It counts as a call
// that changes something. A token that is bound to a certificate needs a context of
// [Showing]. The error is a [*RefusedError] or wraps
// [ErrUnavailable].
func (v *Verifier) Check(ctx context.Context, token string) (*Claims, error) {
	r, err := v.check(ctx, token, demand{unsafe: true}, time.Now())
	if err != nil {
		return nil, err
	}
	return &r.claims, nil
}

func (v *Verifier) check(ctx context.Context, token string, d demand, now time.Time) (*remembered, error) {
	key := keyOf(token)
	r := v.cache.get(key, token)
	if r == nil {
		var err error
		if r, err = v.read(ctx, token); err != nil {
			return nil, err
		}
		r.key = key
		if err := v.notYet(r, now); err != nil {
			return nil, err
		}
		r = v.cache.put(r)
	}
	if err := v.held(ctx, &r.claims, d.request); err != nil {
		return nil, err
	}
	return r, v.judge(ctx, r, d, now)
}

// read verifies a token that was not seen before, all but what depends on the time.
func (v *Verifier) read(ctx context.Context, token string) (*remembered, error) {
	if strings.HasPrefix(token, "mat_") {
		return nil, refuse(Opaque)
	}
	parsed, err := v.parser.Parse(token)
	if err != nil {
		return nil, refuse(Malformed)
	}
	header := parsed.Header()
	if !header.HasType("at+jwt") {
		return nil, refuse(WrongType) // RFC 9068 §4
	}
	if header.Kid == "" {
		return nil, refuse(WrongSignature) // the log could not name its key
	}
	payload, err := v.keys.verify(ctx, parsed, v.settings.algorithms)
	if errors.Is(err, ErrUnavailable) {
		return nil, ErrUnavailable
	}
	if err != nil {
		return nil, refuse(WrongSignature)
	}
	r := &remembered{token: token, claims: Claims{kid: header.Kid}}
	if err := readClaims(&r.claims, payload, v.issuer, v.audience); err != nil {
		return nil, err
	}
	r.ends = r.claims.ExpiresAt.Add(v.settings.leeway).UnixMilli()
	return r, nil
}

// notYet refuses a token before its nbf, which is rare enough to be looked at
// once: whoever is early asks again (RFC 7519 §4.1.5).
func (v *Verifier) notYet(r *remembered, now time.Time) error {
	if nbf := r.claims.notBefore; !nbf.IsZero() && now.Add(v.settings.leeway).Before(nbf) {
		return refuse(NotYetValid)
	}
	return nil
}

// judge decides on a token whose words are good: is it over, was it taken back,
// and does the verifier know enough to say so?
func (v *Verifier) judge(ctx context.Context, r *remembered, d demand, now time.Time) error {
	w := v.view.Load()
	if w == nil {
		if w = v.await(ctx); w == nil {
			return ErrUnavailable
		}
		now = time.Now()
	}
	if w.over(r, now) {
		v.cache.drop(r)
		return refuse(TokenExpired)
	}
	if v.dead(w, r) {
		return refuse(Revoked)
	}
	switch v.ruling(w, d, now) {
	case local:
		return nil
	case unavailable:
		v.counts.unavailable.Add(1)
		return ErrUnavailable
	case askOrLocal:
		return v.ask(ctx, r, nil)
	default:
		return v.ask(ctx, r, ErrUnavailable)
	}
}

// await waits for the first view.
func (v *Verifier) await(ctx context.Context) *view {
	timer := time.NewTimer(initWait)
	defer timer.Stop()
	select {
	case <-v.ready:
	case <-timer.C:
		v.counts.unavailable.Add(1)
	case <-ctx.Done():
	case <-v.life.Done():
	}
	return v.view.Load()
}

// ruling is what to do about a token that, as far as is known, is alive.
type ruling int

const (
	local            ruling = iota // let it pass
	askOrLocal                     // introspect; let it pass if nobody answers
	askOrUnavailable               // introspect; 503 if nobody answers
	unavailable                    // 503
)

// ruling is the table of the package's documentation.
func (v *Verifier) ruling(w *view, d demand, now time.Time) ruling {
	state, verdict := v.state(w, now), local
	switch {
	case state == Live:
	case v.settings.policy == Available:
		v.counts.local.Add(1)
	case state == Stale && v.settings.policy == Strict:
		verdict = askOrUnavailable
	case state == Stale:
		verdict = askOrLocal
	case v.settings.policy == Strict || d.unsafe:
		verdict = unavailable
	default:
		v.counts.local.Add(1)
	}
	if d.fresh > 0 && verdict != unavailable && (w.stale || w.age(now) > d.fresh) {
		verdict = askOrUnavailable
	}
	return verdict
}

// ask introspects. otherwise is the verdict if nobody answers.
func (v *Verifier) ask(ctx context.Context, r *remembered, otherwise error) error {
	v.counts.introspected.Add(1)
	active, err := v.introspection.active(ctx, r.token)
	switch {
	case err == nil && active:
		return nil
	case err == nil:
		return refuse(Revoked)
	case otherwise == nil:
		v.counts.local.Add(1)
		return nil
	default:
		v.counts.unavailable.Add(1)
		return otherwise
	}
}
