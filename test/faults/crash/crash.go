// Package crash kills a server in the middle of revocations, again and again, and
// looks at what has become of them. The tests do it a few times, the benchmark a
// thousand.
package crash

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/server"
	"github.com/mintmark-id/mintmark/verify"
)

const (
	// patience is for a machine that is busy with other things: nothing here waits so
	// long unless it fails.
	patience = 13 * time.Second
	// firstAim is how long after a revocation was sent the server is killed at first.
	firstAim = time.Millisecond
)

// Report is what became of the revocations that a server was killed in.
type Report struct {
	Kills    int
	Served   int // killed as soon as the feed had carried the entry, while the reply was under way
	Answered int // a reply had come that said so: of all kills
	Held     int // without a reply or an entry seen, and found revoked afterwards
	Lost     int // without a reply or an entry seen, and found untouched afterwards
}

// String is the report for people.
func (r Report) String() string {
	return fmt.Sprintf("%d kills: %d once the entry was served, %d in all after a reply; of the others %d had happened, %d had not",
		r.Kills, r.Served, r.Answered, r.Held, r.Lost)
}

// Revocation kills a server n times between the moment at which a revocation is
// sent to it and shortly after its reply. Every second time it waits until a
// verifier has seen the entry, and kills then; else at a moment that is later when
// the one before was too early, and earlier when a reply came: it closes in on what
// lies between commit and reply. A refresh token, an access token and a user are
// revoked in turn.
//
// What was answered with 2xx or served must hold after the restart. What was
// neither may have happened or not; but the rows, which refresh and introspection
// go by, and the log, which verifiers go by, must say the same, a verifier that
// was there before goes on from its cursor, and whoever signs in anew is let in.
// The first thing that does not hold is the error.
func Revocation(ctx context.Context, binary, data string, n int) (Report, error) {
	l := &loop{aims: make([]time.Duration, len(victims))}
	for i := range l.aims {
		l.aims[i] = firstAim
	}
	defer l.close()
	if err := l.begin(ctx, binary, data); err != nil {
		return l.report, err
	}
	for i := range n {
		if err := l.round(ctx, i); err != nil {
			return l.report, fmt.Errorf("kill %d: %w\nthe server's log:\n%s", i+1, err, l.server.Log())
		}
	}
	return l.report, l.server.Stop()
}

// loop is what goes on from one kill to the next.
type loop struct {
	server   *server.Process
	cast     *app.Cast
	browser  *app.Browser
	verifier *verify.Verifier
	aims     []time.Duration // when to kill, for each victim
	report   Report
}

func (l *loop) begin(ctx context.Context, binary, data string) (err error) {
	if l.server, err = server.Launch(ctx, binary, data); err != nil {
		return err
	}
	if l.cast, err = app.NewCast(ctx, l.server); err != nil {
		return err
	}
	if l.browser, err = app.NewBrowser(l.cast.Ana); err != nil {
		return err
	}
	l.verifier, err = l.follow(ctx)
	return err
}

func (l *loop) close() {
	if l.verifier != nil {
		_ = l.verifier.Close() // it never fails
	}
	if l.cast != nil {
		l.cast.Office.Close()
	}
	if l.server != nil && !l.server.Ended() {
		_ = l.server.Kill() // the reason is the error at hand
	}
}

// follow starts a verifier, and waits until it has a snapshot and a head.
func (l *loop) follow(ctx context.Context) (*verify.Verifier, error) {
	v, err := l.cast.Verifier(ctx)
	if err != nil {
		return nil, err
	}
	err = app.Await(ctx, "a new verifier is live", patience, func() bool { return v.Status().State == verify.Live })
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

// round is one revocation and one kill.
func (l *loop) round(ctx context.Context, i int) error {
	tokens, err := l.cast.Shop.SignIn(ctx, l.browser, app.Orders)
	if err != nil {
		return err
	}
	if _, err := l.verifier.Check(ctx, tokens.Access); err != nil {
		return fmt.Errorf("a fresh token: %w", err)
	}
	victim, aim := victims[i%len(victims)], &l.aims[i%len(victims)]
	after := around(*aim)
	served := i%2 == 0
	if served {
		after = 0
	}
	answered, err := l.kill(ctx, victim, tokens, after)
	if err != nil {
		return err
	}
	if l.server, err = l.server.Again(ctx); err != nil {
		return err
	}
	dead, err := l.agree(ctx, victim, tokens)
	if err != nil {
		return err
	}
	switch {
	case served:
	case answered:
		*aim -= *aim / 8
	case !dead:
		*aim += *aim / 8
	}
	return l.judge(served, answered, dead)
}

// judge counts a kill, and says what must not be.
func (l *loop) judge(served, answered, dead bool) error {
	r := &l.report
	r.Kills++
	if answered {
		r.Answered++
	}
	switch {
	case answered && !dead:
		return errors.New("the revocation was answered, and is forgotten")
	case served && !dead:
		return errors.New("the revocation was served to a verifier, and is forgotten")
	case served:
		r.Served++
	case answered:
	case dead:
		r.Held++
	default:
		r.Lost++
	}
	return nil
}

// kill sends a revocation and kills the server after so long, or, if that is zero,
// once the verifier has seen the entry. It tells whether a good reply came before
// the end.
func (l *loop) kill(ctx context.Context, v victim, tokens app.Tokens, after time.Duration) (answered bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	seen, err := l.verifier.Watch(ctx, tokens.Access)
	if err != nil {
		return false, err
	}
	network, address := "tcp", strings.TrimPrefix(l.server.Issuer, "http://")
	if v.socket {
		network, address = "unix", filepath.Join(l.server.Data, "admin.sock")
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return false, fmt.Errorf("connecting to the server: %w", err)
	}
	defer conn.Close()
	request, err := v.request(ctx, l.cast, tokens)
	if err != nil {
		return false, err
	}
	if err := request.Write(conn); err != nil {
		return false, fmt.Errorf("sending the revocation: %w", err)
	}
	if after > 0 {
		<-time.After(after)
	} else {
		<-seen.Done()
		if ctx.Err() != nil {
			return false, errors.New("no verifier sees the revocation")
		}
	}
	if err := l.server.Kill(); err != nil {
		return false, err
	}
	reply, err := http.ReadResponse(bufio.NewReader(conn), request)
	if err != nil {
		return false, nil // the server was killed before it answered
	}
	defer reply.Body.Close()
	if reply.StatusCode/100 != 2 {
		return false, fmt.Errorf("the revocation is answered with %s", reply.Status)
	}
	return true, nil
}

// around is a time of about d, by up to a quarter either way.
func around(d time.Duration) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return d - d/4 + time.Duration(binary.BigEndian.Uint64(b[:])%uint64(d/2))
}

// agree has everybody judge the tokens after the restart, which must come to the
// same: the rows, by refresh and introspection; the log, by a verifier that takes a
// snapshot; and by the one of before, which resumes. That is the verifier of the
// next round: the other has had to hurry once already.
func (l *loop) agree(ctx context.Context, v victim, tokens app.Tokens) (dead bool, err error) {
	restarted := time.Now()
	old := l.verifier
	defer func() { _ = old.Close() }()
	if l.verifier, err = l.follow(ctx); err != nil {
		return false, err
	}
	said := map[string]bool{}
	if said["the log, from a snapshot"], err = revoked(ctx, l.verifier, tokens.Access); err != nil {
		return false, err
	}
	if err := app.Await(ctx, "the verifier of before is live again", patience, func() bool {
		s := old.Status()
		return s.State == verify.Live && s.Age < time.Since(restarted) && s.Seq >= l.verifier.Status().Seq
	}); err != nil {
		return false, fmt.Errorf("%w: %+v", err, old.Status())
	}
	if said["the log, by its tail"], err = revoked(ctx, old, tokens.Access); err != nil {
		return false, err
	}
	active, err := l.cast.APIs.Active(ctx, tokens.Access)
	if err != nil {
		return false, err
	}
	said["introspection"] = !active
	_, refreshed, err := l.cast.Shop.Refresh(ctx, tokens.Refresh)
	if err != nil {
		return false, err
	}
	if v.endsGrant {
		said["refresh"] = !refreshed
	} else if !refreshed {
		return false, errors.New("an access token was revoked, and its grant has ended")
	}
	for who, what := range said {
		if what != !active {
			return false, fmt.Errorf("%s says revoked: %t; introspection says: %t", who, what, !active)
		}
	}
	return !active, nil
}

func revoked(ctx context.Context, v *verify.Verifier, token string) (bool, error) {
	_, err := v.Check(ctx, token)
	var refused *verify.RefusedError
	if errors.As(err, &refused) && refused.Reason == verify.Revoked {
		return true, nil
	}
	return false, err
}
