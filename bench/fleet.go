package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/verify"
)

// mustered is how long a fleet may take until the last verifier is live.
const mustered = time.Minute

// fleet is many verifiers that follow one server. Each has connections, keys and a table of its own, as if it were alone
// in the process of an API.
type fleet struct {
	verifiers []*verify.Verifier
}

// muster starts n verifiers and waits until all are live.
func (s *site) muster(ctx context.Context, n int) (*fleet, error) {
	c, err := s.createClient(ctx, "bench-fleet", "--grant", "client_credentials", "--scope", "revocations:read")
	if err != nil {
		return nil, err
	}
	f := &fleet{}
	for i := range n {
		v, err := verify.New(ctx, s.issuer, s.issuer, verify.WithClient(c.ID, c.Secret),
			verify.WithName(fmt.Sprintf("api-%d", i)), verify.WithLogger(slog.New(slog.DiscardHandler)))
		if err != nil {
			f.disband()
			return nil, err
		}
		f.verifiers = append(f.verifiers, v)
	}
	if err := f.awaitLive(ctx); err != nil {
		f.disband()
		return nil, err
	}
	return f, nil
}

func (f *fleet) awaitLive(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, mustered, errors.New("the fleet is not live"))
	defer cancel()
	for _, v := range f.verifiers {
		for v.Status().State != verify.Live {
			if err := pause(ctx, 10*time.Millisecond); err != nil {
				return fmt.Errorf("%w: %s is %s: %s", err, v.Status().Name, v.Status().State, v.Status().Problem)
			}
		}
	}
	return nil
}

// disband closes the verifiers, side by side.
func (f *fleet) disband() {
	var closing sync.WaitGroup
	for _, v := range f.verifiers {
		closing.Go(func() { _ = v.Close() }) // it never fails
	}
	closing.Wait()
}

// victim is a token that every verifier of a fleet has accepted.
type victim struct {
	token   string
	refused []time.Time // when each verifier was first seen to refuse it
}

// introduce shows a token to every verifier. Each remembers it: what follows measures no signature of tokens.
func (f *fleet) introduce(ctx context.Context, token string) (*victim, error) {
	for _, v := range f.verifiers {
		if _, err := v.Check(ctx, token); err != nil {
			return nil, fmt.Errorf("a verifier does not accept a fresh token: %w", err)
		}
	}
	return &victim{token, make([]time.Time, len(f.verifiers))}, nil
}

// look is for how long a look at one verifier, which takes 0.3 µs, is followed by none: a look around every 10 ms at a
// thousand verifiers takes 3 % of a core from those who are looked at.
const look = 10 * time.Microsecond

// await asks every verifier again and again until each has refused the token as revoked. What it notes is late by the
// time between two looks around, never early.
func (f *fleet) await(ctx context.Context, x *victim) error {
	ctx, cancel := context.WithTimeoutCause(ctx, tooLate, fmt.Errorf("not every verifier refuses a token that was revoked %v ago", tooLate))
	defer cancel()
	for left := len(f.verifiers); ; {
		for i, v := range f.verifiers {
			if !x.refused[i].IsZero() {
				continue
			}
			dead, err := refuses(ctx, v, x.token)
			if err != nil {
				return err
			}
			if dead {
				x.refused[i] = time.Now()
				left--
			}
		}
		if left == 0 {
			return nil
		}
		if err := pause(ctx, max(time.Millisecond, time.Duration(len(f.verifiers))*look)); err != nil {
			return fmt.Errorf("%w: %d are left", err, left)
		}
	}
}

// refuses asks a verifier whether a token was revoked. Any other refusal is an error.
func refuses(ctx context.Context, v *verify.Verifier, token string) (bool, error) {
	_, err := v.Check(ctx, token)
	if refused := new(verify.RefusedError); errors.As(err, &refused) && refused.Reason == verify.Revoked {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s says of a good token: %w", v.Status().Name, err)
	}
	return false, nil
}

// allRefuse looks around once.
func (f *fleet) allRefuse(ctx context.Context, token string) bool {
	for _, v := range f.verifiers {
		if dead, err := refuses(ctx, v, token); err != nil || !dead {
			return false
		}
	}
	return true
}
