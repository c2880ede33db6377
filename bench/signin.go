package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	signInRounds   = 7
	signInsInRound = 40 // of some 28 ms each, so that the clock's tick of 10 ms is 1 % of a round
)

// measureSignIn compares the CPU of posting the sign-in form with a floor that hashes one password with the same
// parameters. Showing the page and what follows the sign-in are outside. The two alternate one by one, because what a
// hash costs drifts with the machine by more than the millisecond that is asked about.
func measureSignIn(ctx context.Context, b *bench) ([]finding, error) {
	var floors, extras []time.Duration
	for round := range signInRounds {
		attempts, err := b.tenants.openLogins(ctx, round)
		if err != nil {
			return nil, err
		}
		processes := []*process{b.floors.process, b.tenants.process}
		used, err := cpuTimes(processes, func() error {
			for _, a := range attempts {
				if err := errors.Join(b.floors.hashPassword(ctx), a.submit()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		floors = append(floors, used[0]/signInsInRound)
		extras = append(extras, (used[1]-used[0])/signInsInRound)
	}
	floor, extra := median(floors), median(extras)
	return []finding{{
		"sign-in", "password sign-in, CPU",
		fmt.Sprintf("argon2id %.1f ms %+.2f ms", floor.Seconds()*1000, extra.Seconds()*1000),
		"argon2id + 1 ms", extra <= time.Millisecond,
	}}, nil
}

// cpuTimes is the CPU time that each process uses during the work.
func cpuTimes(processes []*process, work func() error) ([]time.Duration, error) {
	before := make([]time.Duration, len(processes))
	for i, p := range processes {
		var err error
		if before[i], err = p.cpuTime(); err != nil {
			return nil, err
		}
	}
	if err := work(); err != nil {
		return nil, err
	}
	used := make([]time.Duration, len(processes))
	for i, p := range processes {
		after, err := p.cpuTime()
		if err != nil {
			return nil, err
		}
		used[i] = after - before[i]
	}
	return used, nil
}

func (f *floorSite) hashPassword(ctx context.Context) error {
	form := url.Values{"password": {"correct horse battery staple"}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+f.address+"/"+passwordFloor, strings.NewReader(form))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close() // it was read to its end
	if err != nil || response.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("the password floor answered %s", response.Status), err)
	}
	return nil
}

// attempt is a sign-in page that waits for its password.
type attempt struct {
	browser *browser
	request *http.Request
}

// openLogins opens a round's sign-in pages, each in a browser of its own, spread over the people.
func (t *tenants) openLogins(ctx context.Context, round int) ([]attempt, error) {
	attempts := make([]attempt, signInsInRound)
	for i := range attempts {
		who := t.people[(round*signInsInRound+i)%len(t.people)]
		var err error
		if attempts[i], err = t.openLogin(ctx, who.person); err != nil {
			return nil, err
		}
	}
	return attempts, nil
}

func (t *tenants) openLogin(ctx context.Context, who person) (attempt, error) {
	b, err := newBrowser()
	if err != nil {
		return attempt{}, err
	}
	p, f, err := b.loginPage(ctx, t.issuer+authorizeTarget(webClient, offlineScope))
	if err != nil {
		return attempt{}, err
	}
	f.fill("login-identifier", who.email)
	f.fill("login-password", who.password)
	request, err := p.submission(ctx, f)
	return attempt{b, request}, err
}

// submit signs in; success is a redirect that does not lead back to the sign-in page.
func (a attempt) submit() error {
	p, err := a.browser.do(a.request)
	if err != nil {
		return err
	}
	if p.redirect == nil || strings.HasPrefix(p.redirect.Path, "/login") {
		return fmt.Errorf("signing in led to %d %v %.300q", p.status, p.redirect, p.body)
	}
	return nil
}
