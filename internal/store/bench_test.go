package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
)

// grants adds n grants to a world that waits for the disk.
func worldOfGrants(b *testing.B, n int) *Store {
	b.Helper()
	s := world(b, func(o *Options) { o.Unsafe = false })
	var changes []record.Change
	for i := range n {
		g := grant()
		g.ID, g.Gen = fmt.Sprintf("g%021d", i), 0
		changes = append(changes, record.PutGrant{Grant: g})
	}
	commit(b, s, changes...)
	return s
}

func BenchmarkClientState(b *testing.B) {
	s := world(b)
	auds := []string{api().Aud}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.ClientState(b.Context(), "app", auds); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRefreshState(b *testing.B) {
	const n = 10_000
	s := worldOfGrants(b, n)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("g%021d", i*7919%n)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := s.RefreshState(b.Context(), ids[i%n], "app"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRotate commits rotations from some goroutines at once, durably.
func BenchmarkRotate(b *testing.B) {
	for _, at := range []int{1, 64} {
		b.Run(fmt.Sprintf("at=%d", at), func(b *testing.B) {
			const each = 100
			s := worldOfGrants(b, at*each)
			var next atomic.Int64
			var all sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for i := range at {
				all.Go(func() {
					for n := int64(0); next.Add(1) <= int64(b.N); n++ {
						id := fmt.Sprintf("g%021d", int64(i*each)+n%each)
						if err := s.Commit(b.Context(), []record.Change{record.RotateGrant{ID: id, From: n / each, At: noon}}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}
