//go:build external

package clients

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/mintmark-id/mintmark/test/person"
	"github.com/mintmark-id/mintmark/test/server"
)

// head is what these tests look at in a token's header.
type head struct{ Alg, KID, Typ string }

func header(t *testing.T, raw string) head {
	t.Helper()
	first, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatalf("decoding the header of a token: %v", err)
	}
	var h head
	if err := json.Unmarshal(text, &h); err != nil {
		t.Fatalf("reading the header of a token: %v", err)
	}
	return h
}

// nextKID is the key that will sign ES256 tokens next. It is published already;
// what is not signs something else.
func nextKID(t *testing.T, s *server.Server) string {
	t.Helper()
	published := publishedKIDs(t, s)
	for _, key := range s.Keys() {
		if key.Alg == "ES256" && key.Status == "next" && slices.Contains(published, key.KID) {
			return key.KID
		}
	}
	t.Fatalf("no next key is published, only %v", published)
	return ""
}

func publishedKIDs(t *testing.T, s *server.Server) []string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Issuer+"/.well-known/jwks.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("fetching the keys: %v", err)
	}
	defer answer.Body.Close()
	var set struct{ Keys []struct{ KID string } }
	if err := json.NewDecoder(answer.Body).Decode(&set); err != nil {
		t.Fatalf("reading the keys: %v", err)
	}
	var kids []string
	for _, key := range set.Keys {
		kids = append(kids, key.KID)
	}
	return kids
}

// freshVerifier has fetched no keys yet.
func (a *app) freshVerifier(s *server.Server) *oidc.IDTokenVerifier {
	a.t.Helper()
	return discover(a.t, s).Verifier(&oidc.Config{ClientID: a.ClientID})
}

// TestKeysRotateUnderVerifiersWithoutAFailedVerification: while the keys rotate,
// tokens are made and verified without a pause, by verifiers that live through
// all of it and by such that were just started.
func TestKeysRotateUnderVerifiersWithoutAFailedVerification(t *testing.T) {
	const rotations, workers = 4, 3
	s := server.Start(t)
	a, p := newApp(t, s), person.New(t, s.Issuer, s.NewUser("ana@example.com"))
	token, _ := a.tokens(p)
	oldest := rawID(token)

	ctx, enough := context.WithTimeout(t.Context(), time.Minute)
	defer enough()
	verified := make(chan string) // the kid of each token that was verified
	failed := make(chan error, workers)
	var busy sync.WaitGroup
	for range workers {
		busy.Go(func() { failed <- a.keepVerifying(ctx, s.Issuer, token.RefreshToken, verified) })
	}
	kids := []string{header(t, oldest).KID}
	for range rotations {
		next := nextKID(t, s)
		s.CLI("key", "rotate")
		for kid := range received(t, verified, failed) {
			if kid == next {
				break
			}
		}
		kids = append(kids, next)
	}
	enough()
	busy.Wait()
	for range workers {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(kids))); len(distinct) != rotations+1 {
		t.Errorf("%d rotations gave the keys %v", rotations, distinct)
	}
	if _, err := a.freshVerifier(s).Verify(t.Context(), oldest); err != nil {
		t.Errorf("the first token after %d rotations, by a verifier that starts now: %v", rotations, err)
	}
}

// TestAClientThatFetchesKeysOnceADayFollowsRotations: a client that keeps the key
// set that it fetched, and does not fetch it again for a key that it does not know,
// signs people in before and after each rotation.
func TestAClientThatFetchesKeysOnceADayFollowsRotations(t *testing.T) {
	const day = 24 * time.Hour
	s := server.Start(t, "--test-mode")
	a, p := newApp(t, s), person.New(t, s.Issuer, s.NewUser("ana@example.com"))
	office := s.Admin()
	now := time.Now()
	var kids []string
	for n := range 3 {
		a.verifier = oidc.NewVerifier(s.Issuer, keptKeys(t, s), &oidc.Config{
			ClientID: a.ClientID, SupportedSigningAlgs: []string{oidc.ES256}, Now: func() time.Time { return now },
		})
		for _, rotated := range []bool{false, true} {
			if rotated {
				s.CLI("key", "rotate")
			}
			token, _ := a.tokens(p)
			kids = append(kids, header(t, rawID(token)).KID)
		}
		if kids[2*n] == kids[2*n+1] {
			t.Errorf("rotation %d changed nothing: %v", n+1, kids)
		}
		clock, err := office.AdvanceClock(t.Context(), day)
		if err != nil {
			t.Fatal(err)
		}
		now = clock
	}
}

// keptKeys are the keys that are published now, for good.
func keptKeys(t *testing.T, s *server.Server) *oidc.StaticKeySet {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Issuer+"/.well-known/jwks.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("fetching the keys: %v", err)
	}
	defer answer.Body.Close()
	var published jose.JSONWebKeySet
	if err := json.NewDecoder(answer.Body).Decode(&published); err != nil {
		t.Fatalf("reading the keys: %v", err)
	}
	kept := &oidc.StaticKeySet{}
	for _, key := range published.Keys {
		kept.PublicKeys = append(kept.PublicKeys, key.Key)
	}
	return kept
}

// received gives what the workers verified, until one of them fails or the test's
// time is up.
func received(t *testing.T, verified <-chan string, failed <-chan error) func(func(string) bool) {
	return func(yield func(string) bool) {
		for {
			select {
			case kid := <-verified:
				if !yield(kid) {
					return
				}
			case err := <-failed:
				t.Fatalf("a worker ended before the rotations did: %v", err)
			}
		}
	}
}

// keepVerifying makes and verifies tokens until its context ends; then there was
// no failure.
func (a *app) keepVerifying(ctx context.Context, issuer, refreshToken string, verified chan<- string) error {
	for {
		token, err := a.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
		if err != nil {
			return unlessOver(ctx, err)
		}
		provider, err := oidc.NewProvider(ctx, issuer)
		if err != nil {
			return unlessOver(ctx, err)
		}
		for _, verifier := range []*oidc.IDTokenVerifier{a.verifier, provider.Verifier(&oidc.Config{ClientID: a.ClientID})} {
			if _, err := verifier.Verify(ctx, rawID(token)); err != nil {
				return unlessOver(ctx, err)
			}
		}
		select {
		case verified <- header(a.t, rawID(token)).KID:
		case <-ctx.Done():
			return unlessOver(ctx, nil)
		}
	}
}

// unlessOver is nil once the test has called its workers off.
func unlessOver(ctx context.Context, err error) error {
	switch over := ctx.Err(); {
	case errors.Is(over, context.Canceled):
		return nil
	case over != nil:
		return errors.Join(over, err)
	}
	return err
}

// TestAnEmergencyRotationKillsWhatTheOldKeySigned, and nothing else: the grant
// lives, and a verifier that is running takes its new tokens.
func TestAnEmergencyRotationKillsWhatTheOldKeySigned(t *testing.T) {
	s := server.Start(t)
	a, p := newApp(t, s), person.New(t, s.Issuer, s.NewUser("ana@example.com"))
	old, _ := a.tokens(p)
	compromised, next := header(t, rawID(old)).KID, nextKID(t, s)

	s.CLI("key", "rotate", "--emergency")

	if _, err := a.userinfo(old); err == nil {
		t.Error("userinfo still takes an access token of the compromised key")
	}
	if _, err := a.freshVerifier(s).Verify(t.Context(), rawID(old)); err == nil {
		t.Error("the compromised key is still published")
	}
	renewed := a.mustRefresh(old.RefreshToken)
	a.verify(a.verifier, renewed)
	if kid := signedBy(t, s, rawID(renewed), "ES256"); kid != next {
		t.Errorf("signed by %s after the emergency; want %s, which was published before", kid, next)
	}
	if _, err := a.userinfo(renewed); err != nil {
		t.Errorf("userinfo with the new access token: %v", err)
	}
	if status := statusOf(s, compromised); status != "compromised" {
		t.Errorf("the old key is %q", status)
	}
}

func statusOf(s *server.Server, kid string) string {
	for _, key := range s.Keys() {
		if key.KID == kid {
			return key.Status
		}
	}
	return ""
}
