package main

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// starts is how often a start is measured; the median counts.
const starts = 5

// measureStart takes the time from starting the process to holding a first token, by the wall clock. On an empty
// database that includes making the keys and creating the client by the command line.
func measureStart(ctx context.Context, b *bench) ([]finding, error) {
	var empty, existing []time.Duration
	for i := range starts {
		first, second, err := b.startTwice(ctx, fmt.Sprintf("start-%d", i))
		if err != nil {
			return nil, err
		}
		empty, existing = append(empty, first), append(existing, second)
	}
	return []finding{
		atMost("start", "start to first token, existing database", "ms", milliseconds(median(existing)), 40),
		atMost("start", "start to first token, empty database, creating a client", "ms", milliseconds(median(empty)), 150),
	}, nil
}

func (b *bench) startTwice(ctx context.Context, name string) (first, second time.Duration, err error) {
	s, err := newSite(b.binary, b.directory, name)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = s.stop() }() // it runs only after an error
	first, c, err := s.firstStart(ctx)
	if err != nil {
		return 0, 0, err
	}
	second, err = s.secondStart(ctx, c)
	return first, second, err
}

// firstStart starts on an empty data directory, and stops again.
func (s *site) firstStart(ctx context.Context) (time.Duration, client, error) {
	if err := s.start(ctx); err != nil {
		return 0, client{}, err
	}
	c, err := s.createClient(ctx, serviceClient, "--grant", "client_credentials")
	if err != nil {
		return 0, client{}, err
	}
	if _, err := s.token(ctx, c, url.Values{"grant_type": {"client_credentials"}}); err != nil {
		return 0, client{}, err
	}
	return time.Since(s.started), c, s.stop()
}

// secondStart starts on the data directory that the first one left, and stops again.
func (s *site) secondStart(ctx context.Context, c client) (time.Duration, error) {
	if err := s.launch(ctx); err != nil {
		return 0, err
	}
	err := s.await(ctx, func(ctx context.Context) error {
		_, err := s.token(ctx, c, url.Values{"grant_type": {"client_credentials"}})
		return err
	})
	took := time.Since(s.started)
	if err != nil {
		return 0, err
	}
	return took, s.stop()
}
