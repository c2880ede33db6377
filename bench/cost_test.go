package main

import (
	"slices"
	"testing"
	"time"
)

func TestContendersTakeTurnsAndPayForTheirOwnCalls(t *testing.T) {
	var order []string
	made := 0
	stocked := contender{
		name:  "stocked",
		stock: func(n int) error { made = n; return nil },
		run: func(n int) (charge, error) {
			if n != made {
				t.Errorf("%d calls after %d were stocked", n, made)
			}
			order = append(order, "stocked")
			return charge{time.Duration(n) * time.Microsecond, uint64(2 * n)}, nil
		},
	}
	plain := contender{name: "plain", run: func(n int) (charge, error) {
		order = append(order, "plain")
		return charge{time.Duration(n) * 500, 0}, nil
	}}
	costs, err := race(t.Context(), 2, 10*time.Millisecond, []contender{stocked, plain})
	if err != nil {
		t.Fatal(err)
	}
	if got := order[len(order)-4:]; !slices.Equal(got, []string{"stocked", "plain", "plain", "stocked"}) {
		t.Errorf("the rounds were %v", got)
	}
	if got := typicalCost(costs["stocked"]); got != (cost{1000, 2}) {
		t.Errorf("a call costs %+v", got)
	}
	if got := timesFloor(costs["plain"], costs["stocked"]); !slices.Equal(got, []float64{2, 2}) {
		t.Errorf("the ratios are %v", got)
	}
}

func TestTheHeadlineIsComputed(t *testing.T) {
	costs := map[string][]cost{bareES256: {{50_000, 0}}, firstSight: {{55_000, 23}}, seenBefore: {{700, 2}}, asking: {{200_000, 0}}}
	for _, library := range libraries() {
		costs[library] = []cost{{60_000, 100}}
	}
	verdict := func() finding { all := theirs(costs); return all[len(all)-1] }
	if got := verdict(); !got.kept {
		t.Errorf("700 ns are not less than 60 µs: %+v", got)
	}
	costs[libraries()[1]] = []cost{{600, 1}}
	if got := verdict(); got.kept {
		t.Errorf("700 ns are less than 600 ns: %+v", got)
	}
}

func TestTheTableIsProbedForNamesThatAreNotThere(t *testing.T) {
	seen := map[uint64]bool{}
	for n := range uint64(10_000) {
		seen[scatter(n)] = true
		seen[scatter(1<<40+n)] = true
	}
	if len(seen) != 20_000 {
		t.Errorf("%d names of 20,000", len(seen))
	}
}

// The issuer that stands in for a server must speak the feed as verifiers read it now.
func TestAVerifierFollowsTheIssuerWithManyEntries(t *testing.T) {
	c := &checks{claims: []byte(`{"jti":"0123456789abcdef"}`), id: []byte("0123456789abcdef")}
	var err error
	if c.issuer, err = newIssuer(1000); err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if c.verifier, err = c.issuer.verifier(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.verifier.Status().Entries; got != 1000 {
		t.Errorf("it has %d entries", got)
	}
	first, err := c.token()
	if err != nil {
		t.Fatal(err)
	}
	if second, err := c.token(); err != nil || first == second {
		t.Errorf("two tokens are one: %v", err)
	}
}

func TestASightingIsHeldAgainstTheLastVerifiers(t *testing.T) {
	s := sighting{last: make(spread, 100), each: spread{time.Hour}}
	for i := range s.last {
		s.last[i] = time.Duration(i+1) * time.Millisecond // p99 is 99 ms
	}
	if got := s.finding("x", "x", 99, 50); !got.kept || got.bound != "p99 99 ms (target 50 ms)" {
		t.Errorf("%+v", got)
	}
	if got := s.finding("x", "x", 98, 0); got.kept {
		t.Errorf("%+v", got)
	}
}
