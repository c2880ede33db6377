package demo

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/verify"
)

const (
	burst    = 10 // calls of one browser at a look
	maxLines = 4  // browsers that are shown beside each other
)

// line is one browser's calls of the API, counted. It stands beside the session,
// with a lock of its own: one browser's page shows those of all.
type line struct {
	host string // by which the browser knows the application

	mu       sync.Mutex
	number   int // 0: nobody is signed in
	subject  string
	token    string
	calls    int
	refusals int
	last     tried
	ending   *ending // the last one that ended it
}

// tried is a call of the API with a token, and what came of it.
type tried struct {
	Status  int           // 0: no answer
	Outcome string        // of the check
	Took    time.Duration // the check, as the API measured it
}

// good reports whether the token did.
func (t tried) good() bool { return t.Status == http.StatusOK }

// dead reports whether the token will never do again.
func (t tried) dead() bool { return t.Status == http.StatusUnauthorized }

// begin starts to count for somebody who has signed in.
func (l *line) begin(number int, subject, token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number, l.subject, l.token = number, subject, token
	l.calls, l.refusals, l.last = 0, 0, tried{}
}

// renew replaces the token: the sign-in is the same.
func (l *line) renew(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.token = token
}

// stop ends the count with the sign-in.
func (l *line) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number, l.token, l.ending = 0, "", nil
}

// whose is the number and the user of the line.
func (l *line) whose() (int, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.number, l.subject
}

func (l *line) held() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.token
}

// note counts a call, unless the token was replaced meanwhile.
func (l *line) note(token string, t tried) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token != token {
		return
	}
	switch l.last = t; {
	case t.good():
		l.calls++
	case t.Status != 0:
		l.refusals++
	}
}

// revoked reports whether the last call was refused because the token was revoked.
func (l *line) revoked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last.Outcome == string(verify.Revoked)
}

func (l *line) endBy(e *ending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ending = e
}

// try calls the API with a token. What matters here is what came of it; that it
// does not answer is an outcome too.
func (a *App) try(ctx context.Context, token string) tried {
	r, err := a.request(ctx, http.MethodGet, token)
	if err != nil {
		return tried{Outcome: notKnown}
	}
	answer, err := a.provider.http.Do(r)
	if err != nil {
		return tried{Outcome: notKnown}
	}
	defer answer.Body.Close()
	if _, err := readAnswer(answer.Body); err != nil { // whole, so that the connection is used again
		return tried{Outcome: notKnown}
	}
	t := tried{Status: answer.StatusCode}
	t.Outcome, t.Took = readVerdict(answer.Header)
	return t
}

// look makes some calls for a line; a refusal ends them.
func (a *App) look(ctx context.Context, l *line) {
	token := l.held()
	for range burst {
		t := a.try(ctx, token)
		l.note(token, t)
		if !t.good() {
			return
		}
	}
}

// untilRefused calls the API with a token, one call after the other, until a call
// is not accepted, or ctx ends. each is told of every call.
func (a *App) untilRefused(ctx context.Context, token string, each func(tried)) (last tried, good int) {
	for {
		last = a.try(ctx, token)
		each(last)
		if !last.good() {
			return last, good
		}
		if good++; ctx.Err() != nil {
			return last, good
		}
	}
}

// lines are those of a user, in the order of their numbers: own, and some others.
func (s *sessions) lines(own *line) []*line {
	_, subject := own.whose()
	var others []*line
	s.mu.Lock()
	for _, one := range s.byID {
		if number, of := one.line.whose(); one.line != own && number > 0 && of == subject {
			others = append(others, one.line)
		}
	}
	s.mu.Unlock()
	byNumber := func(a, b *line) int {
		first, _ := a.whose()
		second, _ := b.whose()
		return cmp.Compare(first, second)
	}
	slices.SortFunc(others, byNumber)
	shown := append(others[:min(len(others), maxLines-1)], own)
	slices.SortFunc(shown, byNumber)
	return shown
}

// follow counts for somebody who has signed in, under the number that the browser
// has, or the first that is free.
func (s *sessions) follow(own *line, subject, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number, _ := own.whose()
	taken := map[int]bool{}
	for _, other := range s.byID {
		if n, of := other.line.whose(); other.line != own && of == subject {
			taken[n] = true
		}
	}
	for number == 0 || taken[number] {
		number++
	}
	own.begin(number, subject, token)
}
