package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/admin"
)

type topCommand struct {
	Every time.Duration `default:"1s" placeholder:"D" help:"How long to count before showing (1s if not said)."`
	Once  bool          `help:"Show once, and end. So it does where the output is no terminal."`
}

// overview is what is shown, and what --json prints.
type overview struct {
	Version  string          `json:"version"`
	Issuer   string          `json:"issuer"`
	Uptime   int64           `json:"uptime_seconds"`
	LogSeq   int64           `json:"log_seq"`
	Routes   []routeFigures  `json:"routes"` // those with requests
	Commits  commitFigures   `json:"commits"`
	Hashing  hashingFigures  `json:"password_hashes"`
	Feed     feedFigures     `json:"feed"`
	Gates    []gateFigures   `json:"gates"` // those that are not empty
	Refusals []reasonFigures `json:"refusals"`
}

type routeFigures struct {
	Route    string  `json:"route"`
	PerS     float64 `json:"per_s"`
	P50      float64 `json:"p50_ms"` // bounds of buckets: at most so long
	P99      float64 `json:"p99_ms"`
	Refused  float64 `json:"4xx_per_s"`
	Troubled float64 `json:"5xx_per_s"`
}

type commitFigures struct {
	PerS      float64 `json:"per_s"`
	Plans     float64 `json:"plans"` // in one, on average
	P99       float64 `json:"p99_ms"`
	Waiting   int     `json:"waiting"`
	Conflicts float64 `json:"conflicts_per_s"`
}

type hashingFigures struct {
	Running int `json:"running"`
	Waiting int `json:"waiting"`
}

type feedFigures struct {
	Readers   int            `json:"readers"`
	Verifiers map[string]int `json:"verifiers"` // by state
	Lag       int64          `json:"lag_max"`
}

type gateFigures struct {
	Gate   string `json:"gate"`
	Inside int    `json:"inside"`
	Width  int    `json:"width"`
}

type reasonFigures struct {
	Reason string  `json:"reason"`
	PerS   float64 `json:"per_s"`
}

// Run shows what the server does, again and again.
func (c *topCommand) Run(i *invocation, server *admin.Client) error {
	if c.Every < 100*time.Millisecond {
		return usagef("--every: 100ms or more, not %s", c.Every)
	}
	screen, isFile := i.out.(*os.File)
	live := isFile && isTerminal(screen) && !c.Once && !i.json
	status, err := server.Status(i.ctx)
	if err != nil {
		return err
	}
	before, err := server.Metrics(i.ctx)
	if err != nil {
		return err
	}
	for at := time.Now(); ; {
		select {
		case <-i.ctx.Done():
			return nil // interrupted: that is how it ends
		case <-time.After(c.Every):
		}
		now, err := server.Metrics(i.ctx)
		if i.ctx.Err() != nil {
			return nil //nolint:nilerr // interrupted: that is how it ends
		}
		if err != nil {
			return err
		}
		o := overviewOf(span{scrape{before}, scrape{now}, time.Since(at).Seconds()})
		at, before = time.Now(), now
		o.Version, o.Issuer, o.Uptime = status.Version, status.Issuer, int64(time.Since(status.StartedAt)/time.Second)
		if err := i.show(o, live); err != nil || !live {
			return err
		}
	}
}

func (i *invocation) show(o overview, live bool) error {
	if i.json {
		return i.printJSON(o)
	}
	var text strings.Builder
	if live {
		text.WriteString("\x1b[H\x1b[2J") // the cursor to the top, and everything away
	}
	if err := o.print(&text); err != nil {
		return err
	}
	_, err := io.WriteString(i.out, text.String())
	return err
}

// overviewOf works out what is shown of what was counted.
func overviewOf(s span) overview {
	number := func(name string) int { return int(s.now.sum(name, nil)) }
	o := overview{
		LogSeq: int64(number("mintmark_revocation_log_seq")),
		Commits: commitFigures{
			PerS: round(s.rate("mintmark_commit_seconds_count", nil)), Plans: round(s.mean("mintmark_commit_plans")),
			P99: s.quantile(.99, "mintmark_commit_seconds", nil), Waiting: number("mintmark_commit_queue"),
			Conflicts: round(s.rate("mintmark_conflicts_total", nil)),
		},
		Hashing: hashingFigures{number("mintmark_password_hashes_running"), number("mintmark_password_hashes_waiting")},
		Feed: feedFigures{
			Readers: number("mintmark_feed_readers"), Verifiers: map[string]int{}, Lag: int64(number("mintmark_verifier_lag_max")),
		},
		Routes: []routeFigures{}, Gates: []gateFigures{}, Refusals: []reasonFigures{},
	}
	for _, route := range s.now.values("mintmark_requests_total", "route") {
		if f := routeOf(s, route); f.PerS > 0 {
			o.Routes = append(o.Routes, f)
		}
	}
	slices.SortStableFunc(o.Routes, func(a, b routeFigures) int { return int(math.Copysign(1, b.PerS-a.PerS)) })
	for _, state := range s.now.values("mintmark_verifiers", "state") {
		o.Feed.Verifiers[state] = int(s.now.sum("mintmark_verifiers", map[string]string{"state": state}))
	}
	for _, gate := range s.now.values("mintmark_gate_requests", "gate") {
		labels := map[string]string{"gate": gate}
		if inside := int(s.now.sum("mintmark_gate_requests", labels)); inside > 0 {
			o.Gates = append(o.Gates, gateFigures{gate, inside, int(s.now.sum("mintmark_gate_width", labels))})
		}
	}
	for _, reason := range s.now.values("mintmark_refusals_total", "reason") {
		if rate := s.rate("mintmark_refusals_total", map[string]string{"reason": reason}); rate > 0 {
			o.Refusals = append(o.Refusals, reasonFigures{reason, round(rate)})
		}
	}
	return o
}

func routeOf(s span, route string) routeFigures {
	of := func(status string) map[string]string {
		return map[string]string{"route": route, "status": status}
	}
	labels := map[string]string{"route": route}
	return routeFigures{
		Route: route, PerS: round(s.rate("mintmark_requests_total", labels)),
		P50: s.quantile(.5, "mintmark_request_seconds", labels), P99: s.quantile(.99, "mintmark_request_seconds", labels),
		Refused: round(s.rate("mintmark_requests_total", of("4xx"))), Troubled: round(s.rate("mintmark_requests_total", of("5xx"))),
	}
}

// round keeps one digit behind the point.
func round(f float64) float64 { return math.Round(f*10) / 10 }

// print writes it for people.
func (o *overview) print(w io.Writer) error {
	fmt.Fprintf(w, "Mintmark %s  %s  up %s  log at %d\n\n", o.Version, o.Issuer, time.Duration(o.Uptime)*time.Second, o.LogSeq)
	rows := [][]string{{"REQUESTS", "PER S", "P50 MS", "P99 MS", "4XX/S", "5XX/S"}}
	for _, r := range o.Routes {
		rows = append(rows, []string{r.Route, figureText(r.PerS), figureText(r.P50), figureText(r.P99), figureText(r.Refused), figureText(r.Troubled)})
	}
	if len(o.Routes) == 0 {
		rows = append(rows, []string{"none"})
	}
	if err := aligned(w, rows); err != nil {
		return err
	}
	c, f := &o.Commits, &o.Feed
	fmt.Fprintf(w, "\ncommits    %s/s, %s plans each, p99 %s ms, %d waiting; conflicts %s/s\n",
		figureText(c.PerS), figureText(c.Plans), figureText(c.P99), c.Waiting, figureText(c.Conflicts))
	fmt.Fprintf(w, "hashing    %d running, %d waiting\n", o.Hashing.Running, o.Hashing.Waiting)
	fmt.Fprintf(w, "feed       %d readers; verifiers: %d live, %d stale, %d expired, %d starting, %d gone; %d entries behind at most\n",
		f.Readers, f.Verifiers["live"], f.Verifiers["stale"], f.Verifiers["expired"], f.Verifiers["init"], f.Verifiers["disconnected"], f.Lag)
	for _, g := range o.Gates {
		fmt.Fprintf(w, "gate       %s: %d of %d\n", g.Gate, g.Inside, g.Width)
	}
	for _, r := range o.Refusals {
		fmt.Fprintf(w, "refused    %s: %s/s\n", r.Reason, figureText(r.PerS))
	}
	return nil
}

func figureText(f float64) string { return fmt.Sprint(f) }
