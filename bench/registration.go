package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mintmark-id/mintmark/bench/load"
)

// registrations is how many registrations of clients a second there must be at least.
const registrations = 2000

// What registers: a client with a secret, which is a row of its own each time, and a public one, which is there already.
const (
	confidentialText = `{"redirect_uris":["https://app.example/cb"],"client_name":"Bench","grant_types":["authorization_code","refresh_token"]}`
	publicText       = `{"redirect_uris":["https://app.example/cb"],"client_name":"Bench","token_endpoint_auth_method":"none"}`
)

// measureRegistration lets clients register with an initial access token, on a server of its own.
func measureRegistration(ctx context.Context, b *bench) (findings []finding, err error) {
	s, err := newSite(b.binary, b.directory, "registration")
	if err != nil {
		return nil, err
	}
	s.flags = []string{"--registration", "token"}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if stopped := s.stop(); err == nil {
			err = stopped
		}
	}()
	var token struct {
		Token string `json:"token"`
	}
	if err := s.cli(ctx, "", &token, "registration-token", "create", "--name", "bench"); err != nil {
		return nil, err
	}
	connections := slices.Max(b.connections)
	for _, kind := range []struct{ what, text, told string }{
		{"registrations, each a new client", confidentialText, `"client_secret"`},
		{"registrations of one public client", publicText, `"client_id"`},
	} {
		request := load.PostJSON(s.address, "/oauth2/register", kind.text, "Authorization: Bearer "+token.Token)
		rate, err := s.rate(ctx, registering(request, kind.told), connections, b.duration)
		if err != nil {
			return nil, err
		}
		findings = append(findings, finding{
			"registration", fmt.Sprintf("%s, %d connections", kind.what, connections),
			fmt.Sprintf("%.0f /s", rate), fmt.Sprintf("at least %d /s", registrations), rate >= registrations,
		})
	}
	return findings, nil
}

func registering(request []byte, told string) load.Script {
	wanted := []byte(told)
	return load.Script{
		Next: func() []byte { return request },
		Check: func(r load.Response) error {
			if r.Status != 201 || !bytes.Contains(r.Body, wanted) {
				return unexpected(r, "201 with "+told)
			}
			return nil
		},
	}
}

// rate runs one script on each of some connections: a second that does not count, and then the time.
func (s *site) rate(ctx context.Context, script load.Script, connections int, duration time.Duration) (float64, error) {
	group, err := load.Dial(ctx, s.address, connections)
	if err != nil {
		return 0, err
	}
	defer group.Close()
	scripts := slices.Repeat([]load.Script{script}, connections)
	if _, err := group.Run(ctx, time.Second, scripts); err != nil {
		return 0, err
	}
	result, err := group.Run(ctx, duration, scripts)
	if err != nil {
		return 0, err
	}
	return result.Rate(), nil
}
