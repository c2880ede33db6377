package nodes_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/postgresql"
)

// The faults of this package take seconds here, and minutes in go run ./bench -faults,
// which runs the same tests with -long and prints what they have found.
var (
	long     = flag.Bool("long", false, "take minutes: the lengths of go run ./bench -faults")
	findings = flag.String("findings", "", "append what was found to this `file`, a JSON object on a line")
)

// size is how often something is done.
func size(seconds, minutes int) int {
	if *long {
		return minutes
	}
	return seconds
}

// finding is a line of the table that the benchmark prints.
type finding struct {
	Title    string `json:"title"`
	Measured string `json:"measured"`
	Bound    string `json:"bound"`
	Kept     bool   `json:"kept"`
}

// found tells what has come out, and fails the test when it should not have.
func found(t *testing.T, title, measured, bound string, kept bool) {
	t.Helper()
	t.Logf("%s: %s (at most %s)", title, measured, bound)
	if !kept {
		t.Errorf("%s: %s, at most %s", title, measured, bound)
	}
	if *findings == "" {
		return
	}
	line, err := json.Marshal(finding{title, measured, bound, kept && !t.Failed()})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(*findings, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.Write(append(line, '\n'))
	if err = errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// hands do what is done again and again.
const hands = 4

// crowd asks nodes directly and over connections that stay open, as fast as they
// answer.
type crowd struct {
	*cluster
	browsers []*app.Browser // each with a session of its own
	http     *http.Client
	balanced bool         // it asks the balancer instead
	told     atomic.Int64 // to come back, when signing in
}

func (c *cluster) crowd() *crowd {
	c.Helper()
	all := &crowd{cluster: c, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: patience}}
	for range hands {
		b, err := app.NewBrowser(c.Ana)
		c.must(err)
		_, err = c.Shop.SignIn(c.Context(), b, app.Orders)
		c.must(err)
		all.browsers = append(all.browsers, b)
	}
	return all
}

// ask posts a form to a node as a client.
func (c *crowd) ask(ctx context.Context, node int, a *app.App, path string, form url.Values) (int, []byte, error) {
	at := c.balancer.issuer
	if !c.balanced {
		at = "http://" + c.nodes[node].Listen()
	}
	request, err := a.At(at).Request(ctx, path, form)
	if err != nil {
		return 0, nil, err
	}
	request.Host = strings.TrimPrefix(c.balancer.issuer, "http://")
	answer, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}

func (c *crowd) refresh(ctx context.Context, node int, a *app.App, token string) (int, app.Tokens, error) {
	status, body, err := c.ask(ctx, node, a, "/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	var tokens app.Tokens
	if err == nil && status == http.StatusOK {
		err = json.Unmarshal(body, &tokens)
	}
	if status == http.StatusServiceUnavailable && !strings.Contains(string(body), "temporarily_unavailable") {
		err = fmt.Errorf("a 503 of %s", body)
	}
	return status, tokens, err
}

// atOnce is how many present the same thing.
const atOnce = 16

// Whoever presents a code, or a refresh token, at once on all nodes: of a code one gets
// tokens at most, and a refresh token has one successor.
func TestOfManyWhoSpendAtOnceNobodySpendsTwice(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil).crowd()
	phone := c.rotating()
	rounds := size(120, 1_000_000/2/atOnce)
	var twice, redeemed, presented atomic.Int64
	c.inTurn(rounds, func(hand int) error {
		code, err := c.codeOf(phone, hand)
		if err != nil {
			return err
		}
		var won atomic.Int64
		err = together(atOnce, func(i int) error {
			status, body, err := c.ask(t.Context(), i%3, phone, "/oauth2/token", code)
			presented.Add(1)
			switch {
			case err != nil:
				return err
			case status == http.StatusOK:
				won.Add(1)
			case status != http.StatusServiceUnavailable && (status != http.StatusBadRequest || !strings.Contains(string(body), "invalid_grant")):
				return fmt.Errorf("a code is answered with %d %s", status, body)
			}
			return nil
		})
		if won.Load() > 1 {
			twice.Add(1)
		}
		redeemed.Add(won.Load())
		return err
	})
	found(t, fmt.Sprintf("codes that gave tokens twice, presented %d times at once on three nodes", atOnce),
		fmt.Sprintf("%d (%d presented, %d redeemed; %d sign-ins asked to come back)", twice.Load(), presented.Load(), redeemed.Load(), c.told.Load()), "0", twice.Load() == 0 && redeemed.Load() > 0)
	twice.Store(0)
	presented.Store(0)
	chains := make(chan string, 8)
	for range cap(chains) {
		tokens, err := phone.SignIn(t.Context(), c.browser, app.Orders)
		c.must(err)
		chains <- tokens.Refresh
	}
	c.inTurn(rounds, func(int) error {
		token := <-chains
		var successors sync.Map
		err := together(atOnce, func(i int) error {
			status, tokens, err := c.refresh(t.Context(), i%3, phone, token)
			presented.Add(1)
			if err == nil && status == http.StatusOK {
				successors.Store(tokens.Refresh, true)
			} else if err == nil && status != http.StatusServiceUnavailable {
				err = fmt.Errorf("a refresh within the window is answered with %d", status)
			}
			return err
		})
		next := 0
		successors.Range(func(successor, _ any) bool { token, _ = successor.(string); next++; return true })
		if next > 1 {
			twice.Add(1)
		}
		chains <- token
		return err
	})
	found(t, fmt.Sprintf("refresh tokens with two successors, presented %d times at once on three nodes", atOnce),
		fmt.Sprintf("%d (%d presented)", twice.Load(), presented.Load()), "0", twice.Load() == 0)
}

// codeOf is a code, as the form in which it is redeemed. Whoever is told to come back
// does.
func (c *crowd) codeOf(a *app.App, hand int) (url.Values, error) {
	for {
		code, err := a.Code(c.Context(), c.browsers[hand%hands], app.Orders)
		if err == nil || !strings.Contains(err.Error(), "answers 503") || c.Context().Err() != nil {
			return a.Redemption(code), err
		}
		c.told.Add(1)
	}
}

// inTurn does something so many times, by a few hands.
func (c *crowd) inTurn(n int, f func(hand int) error) {
	c.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for hand := range hands {
		all.Go(func() {
			for int(next.Add(1)) <= n && !c.Failed() {
				if err := f(hand); err != nil {
					c.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// together runs f n times at once.
func together(n int, f func(i int) error) error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return errors.Join(errs...)
}

// lot is 64 people's connections, each with a grant of its own that it rotates, under
// whatever is done to servers and database meanwhile.
type lot struct {
	*crowd
	client                *app.App
	stop                  context.CancelFunc
	all                   sync.WaitGroup
	good, refused, broken atomic.Int64
	slowest               atomic.Int64 // ns, of what was answered
}

// startLot starts so many connections that rotate without a pause. Whatever is no
// success must be a deliberate 503, and whatever was answered must go on: a rotation
// that is lost shows as invalid_grant.
func (c *crowd) startLot(n int) *lot {
	c.Helper()
	l := &lot{crowd: c, client: c.rotating()}
	ctx, stop := context.WithCancel(c.Context())
	l.stop = stop
	c.Cleanup(stop)
	for i := range n {
		tokens, err := l.client.SignIn(c.Context(), c.browser, app.Orders)
		c.must(err)
		l.all.Go(func() { l.rotate(ctx, i, tokens.Refresh) })
	}
	return l
}

func (l *lot) rotate(ctx context.Context, i int, token string) {
	for ; ctx.Err() == nil; i++ {
		began := time.Now()
		status, tokens, err := l.refresh(ctx, i%len(l.nodes), l.client, token)
		took := int64(time.Since(began))
		for old := l.slowest.Load(); ctx.Err() == nil && took > old && !l.slowest.CompareAndSwap(old, took); old = l.slowest.Load() {
		}
		switch {
		case ctx.Err() != nil:
		case err == nil && status == http.StatusOK:
			l.good.Add(1)
			token = tokens.Refresh
		case err == nil && status == http.StatusServiceUnavailable:
			l.refused.Add(1)
		default:
			l.broken.Add(1)
			l.Errorf("a rotation is answered with %d, %v", status, err)
			return
		}
	}
}

// goesOn waits until all answers are good again.
func (l *lot) goesOn(what string) {
	l.Helper()
	l.await(what, func() bool {
		good, refused := l.good.Load(), l.refused.Load()
		<-time.After(200 * time.Millisecond) // a while in which nobody is refused
		return l.good.Load() > good+5 && l.refused.Load() == refused
	})
}

// end stops it, and tells what has come of a fault.
func (l *lot) end(fault string) {
	l.Helper()
	l.stop()
	l.all.Wait()
	found(l.T, "rotations lost, or answers that are neither good nor a deliberate 503: "+fault,
		fmt.Sprintf("%d (%d good, %d refused, slowest %s)", l.broken.Load(), l.good.Load(), l.refused.Load(),
			time.Duration(l.slowest.Load()).Round(time.Millisecond)), "0", l.broken.Load() == 0 && l.good.Load() > 0)
}

// PostgreSQL is stopped as an administrator does it, killed, and made read-only, under
// load. Meanwhile there is 503; afterwards everything goes on.
func TestTheDatabaseComesAndGoesUnderLoad(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil).crowd()
	l := c.startLot(8)
	for what, fault := range map[string]struct{ begin, end func() }{
		"restarted": {c.database.Stop, func() { c.database.Start(t) }},
		"killed":    {c.database.Crash, func() { c.database.Start(t) }},
		"read-only": {
			func() {
				c.database.Exec(t, `ALTER SYSTEM SET default_transaction_read_only = on`, `SELECT pg_reload_conf()`)
			},
			func() {
				c.database.Exec(t, `SET default_transaction_read_only = off`, `ALTER SYSTEM RESET default_transaction_read_only`, `SELECT pg_reload_conf()`)
			},
		},
	} {
		for range size(1, 10) {
			l.goesOn("it works before it is " + what)
			refused := l.refused.Load()
			fault.begin()
			l.await("503s while it is "+what, func() bool { return l.refused.Load() > refused+8 })
			fault.end()
			l.goesOn("it works after it was " + what)
		}
	}
	l.end("PostgreSQL restarted, killed, read-only")
}

// Others take every connection that PostgreSQL has.
func TestEveryConnectionIsTakenByOthers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil).crowd()
	l := c.startLot(24)
	for range size(1, 5) {
		l.goesOn("it works before")
		refused := l.refused.Load()
		giveBack := c.database.TakeAll(t)
		l.await("503s while no connection is left", func() bool { return l.refused.Load() > refused+24 })
		giveBack()
		l.goesOn("it works after")
	}
	l.end("all connections taken")
}

// Each query takes longer by 200 ms, and by 2 s.
func TestQueriesAreSlow(t *testing.T) {
	t.Parallel()
	var ways []*cable
	c := newCluster(t, 2, func(database *postgresql.Server, _ int) string {
		way := layTo(t, database)
		ways = append(ways, way)
		return way.url(database)
	}).crowd()
	for _, slow := range []struct{ by, atMost time.Duration }{{200 * time.Millisecond, 4 * time.Second}, {2 * time.Second, 16 * time.Second}} {
		l := c.startLot(size(8, 32))
		l.goesOn("it works before")
		l.slowest.Store(0)
		for _, way := range ways {
			way.delay.Store(int64(slow.by))
		}
		good := l.good.Load()
		l.await("it works slowly", func() bool { return l.good.Load() > good+int64(size(8, 64)) })
		for _, way := range ways {
			way.delay.Store(0)
		}
		l.goesOn("it works after")
		slowest := time.Duration(l.slowest.Load())
		l.end(fmt.Sprintf("each query slower by %s", slow.by))
		found(t, fmt.Sprintf("the slowest answer while each query is slower by %s", slow.by), slowest.Round(time.Millisecond).String(),
			slow.atMost.String(), slowest <= slow.atMost)
	}
}

// All kinds of requests at once, from 64 connections.
func TestAMixedLoadOnThreeNodes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil).crowd()
	l := c.startLot(40)
	ctx, stop := context.WithTimeout(t.Context(), time.Duration(size(5, 60))*time.Second)
	defer stop()
	var others sync.WaitGroup
	var asked, wrong atomic.Int64
	for i := range 24 {
		others.Go(func() {
			for ctx.Err() == nil {
				if err := c.oneOfEach(ctx, i); err != nil && ctx.Err() == nil {
					wrong.Add(1)
					t.Error(err)
					return
				}
				asked.Add(1)
			}
		})
	}
	<-ctx.Done()
	others.Wait()
	found(t, "sign-ins, exchanges, introspections, revocations and client tokens that went wrong, beside it", fmt.Sprintf("%d (%d rounds)", wrong.Load(), asked.Load()), "0", wrong.Load() == 0)
	l.end("mixed load, 64 connections, three nodes")
}

// oneOfEach signs in on one node, uses what comes of it on another, and revokes it on
// the third. A deliberate 503 ends the round.
func (c *crowd) oneOfEach(ctx context.Context, i int) error {
	code, err := c.codeOf(c.Shop, i)
	if err != nil {
		return err
	}
	var tokens app.Tokens
	for step, call := range []struct {
		as   *app.App
		path string
		form func() url.Values
		want string
	}{
		{c.Shop, "/oauth2/token", func() url.Values { return code }, `"access_token"`},
		{c.APIs, "/oauth2/introspect", func() url.Values { return url.Values{"token": {tokens.Access}} }, `"active":true`},
		{c.APIs, "/oauth2/token", func() url.Values { return url.Values{"grant_type": {"client_credentials"}} }, `"access_token"`},
		{c.Shop, "/oauth2/revoke", func() url.Values { return url.Values{"token": {tokens.Refresh}} }, ""},
		{c.APIs, "/oauth2/introspect", func() url.Values { return url.Values{"token": {tokens.Access}} }, `"active":false`},
	} {
		status, body, err := c.ask(ctx, (i+step)%len(c.nodes), call.as, call.path, call.form())
		if status == http.StatusServiceUnavailable && strings.Contains(string(body), "temporarily_unavailable") {
			return nil
		}
		if err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		if status != http.StatusOK || !strings.Contains(string(body), call.want) {
			return fmt.Errorf("step %d is answered with %d %s", step, status, body)
		}
		if step == 0 {
			if err := json.Unmarshal(body, &tokens); err != nil {
				return err
			}
		}
	}
	return nil
}

// quantile is the value below which so much of a sample lies.
func quantile(sample []time.Duration, q float64) time.Duration {
	slices.Sort(sample)
	return sample[min(len(sample)-1, int(q*float64(len(sample))))]
}
