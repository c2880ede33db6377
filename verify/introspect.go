package verify

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
)

const (
	answerKept      = 5 * time.Second // an answer stands for all calls with its token
	breakAfter      = 3               // failures in a row
	breakFor        = 5 * time.Second
	introspectFor   = 1500 * time.Millisecond
	maxIntrospected = 10_000 // answers kept

	noToken = "-" // nobody has ever been given it
)

var errBroken = errors.New("introspection has failed several times in a row")

// introspector asks the issuer about single tokens while the log is not fresh
// (RFC 7662): once at a time for each token, and not at all for a while after
// several failures, for an issuer in trouble needs no stampede.
type introspector struct {
	remote   *remote
	life     context.Context // the verifier's: an answer serves more callers than the one who asked
	audience string          // what tokens are asked about for

	mu      sync.Mutex
	answers map[string]*answer
	failed  int
	broken  time.Time // until when nothing is asked
}

type answer struct {
	done   chan struct{}
	until  time.Time // zero while it is awaited
	active bool
	err    error
}

// active asks whether a token is active. An error means that nobody knows.
func (i *introspector) active(ctx context.Context, token string) (bool, error) {
	a, err := i.join(token)
	if err != nil {
		return false, err
	}
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-a.done:
		return a.active, a.err
	}
}

// join finds the answer about a token, awaited or still good, or has it asked.
func (i *introspector) join(token string) (*answer, error) {
	now := time.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	if a := i.answers[token]; a != nil && (a.until.IsZero() || now.Before(a.until)) {
		return a, nil
	}
	if now.Before(i.broken) {
		return nil, errBroken
	}
	if i.failed >= breakAfter {
		i.broken = now.Add(introspectFor) // one tries while the others wait for what it finds
	}
	i.makeRoom(now)
	a := &answer{done: make(chan struct{})}
	i.answers[token] = a
	go i.ask(token, a)
	return a, nil
}

// makeRoom forgets answers that are over, or all that are there.
func (i *introspector) makeRoom(now time.Time) {
	if i.answers == nil {
		i.answers = map[string]*answer{}
	}
	if len(i.answers) < maxIntrospected {
		return
	}
	for token, a := range i.answers {
		if !a.until.IsZero() && now.After(a.until) {
			delete(i.answers, token)
		}
	}
	if len(i.answers) >= maxIntrospected {
		clear(i.answers)
	}
}

func (i *introspector) ask(token string, a *answer) {
	ctx, cancel := context.WithTimeout(i.life, introspectFor)
	defer cancel()
	// Without the resource, an issuer to which the client may not ask this would call
	// every token inactive; with it, it says so, and that is no answer about a token.
	body, err := i.remote.form(ctx, pathIntrospect, url.Values{
		"token": {token}, "token_type_hint": {"access_token"}, "resource": {i.audience},
	})
	if err == nil {
		var o jose.Object
		if o, err = jose.DecodeObject(body); err == nil {
			a.active, err = o.Bool("active")
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	a.until, a.err = now.Add(answerKept), err
	if err == nil {
		i.failed, i.broken = 0, time.Time{}
	} else {
		delete(i.answers, token)
		if i.failed++; i.failed >= breakAfter {
			i.broken = now.Add(breakFor)
		}
	}
	close(a.done)
}

// mayAsk asks once whether the client may introspect tokens for the audience at
// all, with one that is none. A client that may not is better found out at the start
// than in an outage. Trouble of other kinds is none of a setting.
func (i *introspector) mayAsk(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, introspectFor)
	defer cancel()
	_, err := i.remote.form(ctx, pathIntrospect, url.Values{"token": {noToken}, "resource": {i.audience}})
	var answer *answerError
	if errors.As(err, &answer) && answer.code == " invalid_target" {
		return errors.New("give the client the API's resource, or while the log is not fresh it can ask about no token")
	}
	return nil
}
