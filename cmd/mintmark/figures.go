package main

import (
	"context"
	"fmt"
	"net"

	"github.com/mintmark-id/mintmark/internal/metrics"
)

// listenMetrics opens the listener for metrics, nil if there is to be none.
func (s *server) listenMetrics(ctx context.Context) (net.Listener, error) {
	if s.config.MetricsListen == "" {
		return nil, nil
	}
	var options net.ListenConfig
	listener, err := options.Listen(ctx, "tcp", s.config.MetricsListen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w: stop what listens there, or choose another address with --metrics-listen", s.config.MetricsListen, err)
	}
	s.closers = append(s.closers, listener.Close)
	s.metricsAt = listener.Addr()
	return listener, nil
}

// reading is how the server stands.
func (s *server) reading() metrics.Reading {
	r := metrics.Reading{CommitQueue: s.store.Waiting(), Verifiers: map[string]int{"live": 0, "stale": 0, "expired": 0, "init": 0, "disconnected": 0}}
	r.Hashing, r.HashWaiting = s.engine.Hashing()
	r.Readers, r.Seq = s.feed.Standing()
	for _, v := range s.feed.Verifiers() {
		if !v.Connected {
			r.Verifiers["disconnected"]++
			continue
		}
		r.Verifiers[v.State]++
		r.Lag = max(r.Lag, v.Lag)
	}
	return r
}
