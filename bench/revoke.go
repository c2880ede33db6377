package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/bench/load"
)

const (
	smallFleet  = 100
	largeFleet  = 1000
	smallSeries = 250 // revocations: enough for p99 not to be the one longest
	largeSeries = 200
	everySmall  = 40 * time.Millisecond
	everyLarge  = 100 * time.Millisecond // ten revocations a second
	receipts    = 20
	tooLate     = 10 * time.Second // after this a revocation counts as lost
)

// measureRevoke follows revocations from the answer to the last of 100 verifiers, and looks at the idle server before.
func measureRevoke(ctx context.Context, b *bench) ([]finding, error) {
	r, err := b.newRange(ctx, "revoke", smallFleet)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if err := pause(ctx, settling); err != nil {
		return nil, err
	}
	idle, err := residentBytes(r.pid())
	if err != nil {
		return nil, err
	}
	seen, err := r.revokeAll(ctx, smallSeries, everySmall)
	if err != nil {
		return nil, err
	}
	receipt, err := r.compareReceipts(ctx)
	if err != nil {
		return nil, err
	}
	return []finding{
		seen.finding("revoke", fmt.Sprintf("revoke answered to refused by every one of %d verifiers", smallFleet), 250, 50),
		noted("revoke", "the same, for a single verifier of them", seen.each.String()),
		noted("revoke", "the answer to the revocation itself", seen.answers.String()),
		receipt,
		atMost("revoke", fmt.Sprintf("memory, idle with %d feeds open", smallFleet), "MB", megabytes(idle), 60),
	}, nil
}

// measureFleet does the same to a large fleet, ten times a second, and counts the server's CPU.
func measureFleet(ctx context.Context, b *bench) ([]finding, error) {
	r, err := b.newRange(ctx, "fleet", largeFleet)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if err := pause(ctx, settling); err != nil {
		return nil, err
	}
	seen, err := r.revokeAll(ctx, largeSeries, everyLarge)
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("revoke answered to refused by every one of %d verifiers, 10 revocations/s", largeFleet)
	return []finding{
		seen.finding("fleet", title, 500, 0),
		noted("fleet", "the same, for a single verifier of them", seen.each.String()),
		{"fleet", "CPU of the server meanwhile", fmt.Sprintf("%.2f cores", seen.cores), "1 core", seen.cores < 1},
		noted("fleet", "CPU of the verifiers meanwhile, on the same machine", fmt.Sprintf("%.2f cores", seen.ownCores)),
	}, nil
}

// firingRange is a server of its own with a fleet that follows it.
type firingRange struct {
	*site
	service client
	fleet   *fleet
}

func (b *bench) newRange(ctx context.Context, name string, verifiers int) (*firingRange, error) {
	s, err := newSite(b.binary, b.directory, name)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	r := &firingRange{site: s, fleet: &fleet{}}
	if r.service, err = s.createClient(ctx, serviceClient, "--grant", "client_credentials"); err == nil {
		var f *fleet
		if f, err = s.muster(ctx, verifiers); err == nil {
			r.fleet = f
			return r, nil
		}
	}
	r.close()
	return nil, err
}

func (r *firingRange) close() {
	r.fleet.disband()
	_ = r.stop() // the figures are taken, or the reason is the error at hand
}

// newVictim makes a token that all verifiers have seen.
func (r *firingRange) newVictim(ctx context.Context) (*victim, error) {
	tokens, err := r.token(ctx, r.service, url.Values{"grant_type": {"client_credentials"}})
	if err != nil {
		return nil, err
	}
	return r.fleet.introduce(ctx, tokens.Access)
}

// revoke takes a token back (RFC 7009 §2.1), and gives the time when the answer was there, and the answer.
func (r *firingRange) revoke(ctx context.Context, token, prefer string) (time.Time, []byte, error) {
	form := url.Values{"token": {token}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.issuer+"/oauth2/revoke", strings.NewReader(form))
	if err != nil {
		return time.Time{}, nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if prefer != "" {
		request.Header.Set("Prefer", prefer)
	}
	request.SetBasicAuth(url.QueryEscape(r.service.ID), url.QueryEscape(r.service.Secret)) // RFC 6749 §2.3.1
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return time.Time{}, nil, err
	}
	answered := time.Now()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return time.Time{}, nil, errors.Join(fmt.Errorf("revoking: the answer is %s %.300q", response.Status, body), err)
	}
	return answered, body, nil
}

// shot is one revocation: how long the answer took, and how long after it each verifier refused.
type shot struct {
	answer  time.Duration
	refusal []time.Duration
	err     error
}

func (r *firingRange) shoot(ctx context.Context, x *victim) shot {
	begin := time.Now()
	answered, _, err := r.revoke(ctx, x.token, "")
	if err != nil {
		return shot{err: err}
	}
	if err := r.fleet.await(ctx, x); err != nil {
		return shot{err: err}
	}
	s := shot{answer: answered.Sub(begin)}
	for _, at := range x.refused {
		s.refusal = append(s.refusal, max(0, at.Sub(answered))) // it may be refused before the answer has arrived
	}
	return s
}

// sighting is what a series of revocations showed.
type sighting struct {
	last, each, answers spread
	cores, ownCores     float64 // CPU of the server, and of this process
}

// revokeAll revokes n tokens, one every so often whether the one before has arrived or not, and waits for all.
func (r *firingRange) revokeAll(ctx context.Context, n int, every time.Duration) (sighting, error) {
	victims := make([]*victim, n)
	for i := range victims {
		var err error
		if victims[i], err = r.newVictim(ctx); err != nil {
			return sighting{}, err
		}
	}
	if err := pause(ctx, settling); err != nil {
		return sighting{}, err
	}
	http.DefaultClient.CloseIdleConnections() // one that the server is about to close would fail a revocation
	var s sighting
	before, err := r.clocks()
	if err != nil {
		return sighting{}, err
	}
	if err := s.fire(ctx, r, victims, every); err != nil {
		return sighting{}, err
	}
	after, err := r.clocks()
	if err != nil {
		return sighting{}, err
	}
	s.cores = float64(after.server-before.server) / float64(after.wall.Sub(before.wall))
	s.ownCores = float64(after.own-before.own) / float64(after.wall.Sub(before.wall))
	return s, nil
}

// fire revokes the victims at their times and notes what came of it.
func (s *sighting) fire(ctx context.Context, r *firingRange, victims []*victim, every time.Duration) error {
	shots, begin := make(chan shot, len(victims)), time.Now()
	for i, x := range victims {
		if err := pause(ctx, time.Until(begin.Add(time.Duration(i)*every))); err != nil {
			return err
		}
		go func() { shots <- r.shoot(ctx, x) }()
	}
	for range victims {
		hit := <-shots
		if hit.err != nil {
			return hit.err
		}
		s.answers = append(s.answers, hit.answer)
		s.each = append(s.each, hit.refusal...)
		s.last = append(s.last, slices.Max(hit.refusal))
	}
	return nil
}

// clocks are what the server and this process have used, and when.
type clocks struct {
	wall        time.Time
	server, own time.Duration
}

func (r *firingRange) clocks() (clocks, error) {
	server, err := r.cpuTime()
	if err != nil {
		return clocks{}, err
	}
	own, err := cpuTime(os.Getpid())
	return clocks{time.Now(), server, own}, err
}

// finding holds the 99th percentile of the last verifiers against a bound and a target, in ms.
func (s sighting) finding(name, title string, bound, target int) finding {
	text := fmt.Sprintf("p99 %d ms", bound)
	if target > 0 {
		text += fmt.Sprintf(" (target %d ms)", target)
	}
	return finding{name, title, s.last.String(), text, s.last.percentile(99) <= time.Duration(bound)*time.Millisecond}
}

// compareReceipts asks for receipts, and holds them against what the verifiers say at that moment: a receipt must not
// claim what is not so.
func (r *firingRange) compareReceipts(ctx context.Context) (finding, error) {
	var said, measured spread
	kept := true
	for range receipts {
		x, err := r.newVictim(ctx)
		if err != nil {
			return finding{}, err
		}
		begin, watched := time.Now(), make(chan error, 1)
		go func() { watched <- r.fleet.await(ctx, x) }()
		_, body, err := r.revoke(ctx, x.token, "wait=2")
		complete := err == nil && r.fleet.allRefuse(ctx, x.token) // at the moment of the receipt
		if err := errors.Join(err, <-watched); err != nil {
			return finding{}, err
		}
		var receipt struct {
			Complete           bool
			Applied, Connected int
			MS                 int64
		}
		if err := json.Unmarshal(body, &receipt); err != nil {
			return finding{}, fmt.Errorf("reading a receipt: %w", err)
		}
		kept = kept && complete && receipt.Complete && receipt.Applied == len(r.fleet.verifiers)
		said = append(said, time.Duration(receipt.MS)*time.Millisecond)
		measured = append(measured, slices.MaxFunc(x.refused, time.Time.Compare).Sub(begin))
	}
	return finding{
		"revoke", fmt.Sprintf("%d receipts (Prefer: wait=2), of the commit on; and measured, of the request on", receipts),
		fmt.Sprintf("median %.0f ms; and %.1f ms", milliseconds(median(said)), milliseconds(median(measured))),
		"all complete, every verifier refusing when the receipt arrives", kept,
	}, nil
}

// spread is a set of durations.
type spread []time.Duration

func (s spread) percentile(p int) time.Duration { return load.Percentile(s, p) }

// String is what a reader wants to know of it.
func (s spread) String() string {
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms, longest %.1f ms",
		milliseconds(s.percentile(50)), milliseconds(s.percentile(99)), milliseconds(s.percentile(100)))
}
