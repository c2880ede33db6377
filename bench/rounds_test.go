package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/bench/load"
)

func TestTheMedianIsTheMiddle(t *testing.T) {
	tests := []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{4}, 4},
		{[]float64{4, 1}, 2.5},
		{[]float64{9, 1, 2}, 2},
		{[]float64{1, 100, 2, 3}, 2.5},
		{[]float64{1.3, 1.1, 9, 1.2, 1.0, 1.25, 0.2}, 1.2},
	}
	for _, tt := range tests {
		given := slices.Clone(tt.values)
		if got := median(tt.values); got != tt.want {
			t.Errorf("median of %v is %v, want %v", tt.values, got, tt.want)
		}
		if !slices.Equal(given, tt.values) {
			t.Errorf("the rounds were reordered: %v", tt.values)
		}
	}
}

// A round in which the whole machine was three times slower must not move the ratio, as dividing medians would.
func TestRatiosAreTakenRoundByRound(t *testing.T) {
	floors := []sample{{cpu: 10}, {cpu: 30}, {cpu: 12}}
	servers := []sample{{cpu: 11}, {cpu: 36}, {cpu: 24}}
	if got, want := ratios(floors, servers), []float64{1.1, 1.2, 2}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	l := line{work: work{bound: 1.2}, floors: floors, servers: servers}
	if l.ratio() != 1.2 {
		t.Errorf("ratio %v", l.ratio())
	}
}

func TestATypicalRoundTakesTheMedianOfEachFigure(t *testing.T) {
	got := typical([]sample{
		{requests: 1, rate: 30, cpu: 7, p50: 1, p99: 90},
		{requests: 3, rate: 10, cpu: 8, p50: 3, p99: 70},
		{requests: 2, rate: 20, cpu: 9, p50: 2, p99: 80},
	})
	if want := (sample{requests: 2, rate: 20, cpu: 8, p50: 2, p99: 80}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// startFloors runs the real floors, which are a server like another to the harness.
func startFloors(t *testing.T, grants int) *floorSite {
	t.Helper()
	directory := t.TempDir()
	binary, err := build(t.Context(), directory, "github.com/mintmark-id/mintmark/bench/floors")
	if err != nil {
		t.Fatal(err)
	}
	f, err := openFloors(context.WithoutCancel(t.Context()), binary, directory, nil, grants)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.stop(); err != nil {
			t.Errorf("the floors ended with %v", err)
		}
	})
	return f
}

func TestEveryFloorAnswersTheLoadAndUsesTime(t *testing.T) {
	f := startFloors(t, 2)
	o := options{rounds: 1, duration: 100 * time.Millisecond}
	for _, floor := range []string{jsonFloor, signFloor, verifyFloor, verifyReadFloor, refreshFloor} {
		l, err := measureFloor(t.Context(), o, floor, 2, f)
		if err != nil {
			t.Fatalf("%s: %v", floor, err)
		}
		if s := l.floors[0]; s.requests == 0 || s.rate <= 0 || s.p50 <= 0 || s.p99 < s.p50 {
			t.Errorf("%s: %+v", floor, s)
		}
	}
}

func TestBothSidesTakeTurnsAndTheStockIsFilledBeforeEachRound(t *testing.T) {
	f := startFloors(t, 1)
	var order []string
	oneRequest := func(name string) side {
		group, err := load.Dial(t.Context(), f.address, 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(group.Close)
		left := 0
		script := f.script(jsonFloor, 0)
		next := script.Next
		script.Next = func() []byte {
			if left--; left < 0 {
				return nil
			}
			order = append(order, name)
			return next()
		}
		return side{process: f.process, group: group, scripts: []load.Script{script}, stock: func(context.Context, int) error {
			left = 1
			return nil
		}}
	}
	floors, servers, err := interleave(t.Context(), 3, time.Minute, oneRequest("floor"), oneRequest("server"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"floor", "server" /* warm-up */, "floor", "server", "server", "floor", "floor", "server"}
	if !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
	if len(floors) != 3 || len(servers) != 3 || floors[0].requests != 1 {
		t.Errorf("got %+v and %+v", floors, servers)
	}
}

func TestARoundWithoutRequestsIsNotMeasured(t *testing.T) {
	f := startFloors(t, 1)
	group, err := load.Dial(t.Context(), f.address, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	idle := side{process: f.process, group: group, scripts: []load.Script{limit(f.script(jsonFloor, 0), 0)}}
	if _, err := idle.measure(t.Context(), time.Minute); !errors.Is(err, errNothingServed) {
		t.Errorf("got %v", err)
	}
}

func TestAProgramThatEndsIsReportedWithItsLastWords(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p, err := launch(t.Context(), "127.0.0.1:1", log, "/bin/sh", "-c", "echo the disk is full >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	err = p.await(t.Context(), func(context.Context) error { return errors.New("not yet") })
	if err == nil || !contains(err.Error(), "the disk is full", "exit status 3") {
		t.Errorf("got %v", err)
	}
}
