package verify

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
)

// Policy says what a verifier does while it does not hear from the issuer.
type Policy int

// The policies; the package's documentation has the table.
const (
	Balanced  Policy = iota // keeps reading, stops writing, once the issuer has been silent for a minute
	Strict                  // accepts no revoked token later than 60 s after the cut, whatever breaks
	Available               // never refuses for want of news
)

// String is the policy's name, as receipts carry it.
func (p Policy) String() string {
	switch p {
	case Strict:
		return "strict"
	case Available:
		return "available"
	default:
		return "balanced"
	}
}

// Option changes one setting of a new [Verifier].
type Option func(*settings)

type settings struct {
	policy       Policy
	clientID     string
	clientSecret string
	name         string
	client       *http.Client
	seedDir      string
	leeway       time.Duration
	algorithms   []jose.Algorithm
	log          *slog.Logger
	certificate  func(*http.Request) (*x509.Certificate, error)
}

// WithPolicy chooses what happens while the issuer is out of reach.
func WithPolicy(p Policy) Option { return func(s *settings) { s.policy = p } }

// WithClient names the client as which the verifier reads the feed and asks for
// introspection: a confidential one with the grant client_credentials, the scope
// revocations:read and the API's resource. It is required.
func WithClient(id, secret string) Option {
	return func(s *settings) { s.clientID, s.clientSecret = id, secret }
}

// WithName is how the fleet's list and receipts call this verifier, such as
// "orders-7". By default the client's id.
func WithName(name string) Option { return func(s *settings) { s.name = name } }

// WithHTTPClient replaces the client for everything that is asked of the issuer.
// It must have no overall timeout: the feed is one long answer.
func WithHTTPClient(c *http.Client) Option { return func(s *settings) { s.client = c } }

// WithSeed keeps what the verifier knows in a file of that directory, so that an
// API that is restarted while the issuer is away starts in the state of its age
// instead of in Init. The directory must exist.
func WithSeed(dir string) Option { return func(s *settings) { s.seedDir = dir } }

// WithLeeway is the difference between clocks that exp and nbf allow for: 30 s
// by default, at most 60 s, for the log keeps revocations no longer.
func WithLeeway(d time.Duration) Option { return func(s *settings) { s.leeway = d } }

// WithAlgorithms replaces the signature algorithms that tokens may have:
// by default ES256, RS256, PS256 and Ed25519.
func WithAlgorithms(names ...string) Option {
	return func(s *settings) {
		s.algorithms = nil
		for _, name := range names {
			s.algorithms = append(s.algorithms, jose.Algorithm(name))
		}
	}
}

// WithLogger receives changes of state and why; by default slog's.
func WithLogger(l *slog.Logger) Option { return func(s *settings) { s.log = l } }

// everyAlgorithm is what jose verifies; heads and snapshots may have any of them.
func everyAlgorithm() []jose.Algorithm {
	return []jose.Algorithm{jose.ES256, jose.RS256, jose.PS256, jose.Ed25519}
}

func newSettings(opts []Option) settings {
	s := settings{client: newClient(), leeway: 30 * time.Second, algorithms: everyAlgorithm(), log: slog.Default(), certificate: ofConnection}
	for _, opt := range opts {
		opt(&s)
	}
	if s.name == "" {
		s.name = s.clientID
	}
	return s
}

// newClient follows no redirects: they would carry the client's secret elsewhere.
func newClient() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
			TLSHandshakeTimeout:   3 * time.Second,
			ResponseHeaderTimeout: 10 * time.Second,
			IdleConnTimeout:       90 * time.Second,
			ForceAttemptHTTP2:     true,
		},
	}
}

func (s *settings) check(issuer, audience string) error {
	var errs []error
	if err := checkIssuer(issuer); err != nil {
		errs = append(errs, err)
	}
	if audience == "" {
		errs = append(errs, errors.New("no audience: name the resource that tokens must be for"))
	}
	if s.clientID == "" {
		errs = append(errs, errors.New("no client: the feed is read with WithClient(id, secret)"))
	}
	if s.leeway < 0 || s.leeway > time.Minute {
		errs = append(errs, errors.New("leeway: 0 to 60 s"))
	}
	if len(s.algorithms) == 0 {
		errs = append(errs, errors.New("no algorithms"))
	}
	if s.certificate == nil {
		errs = append(errs, errors.New("no way to know a client's certificate"))
	}
	for _, alg := range s.algorithms {
		switch alg {
		case jose.ES256, jose.RS256, jose.PS256, jose.Ed25519:
		default:
			errs = append(errs, fmt.Errorf("algorithm %q is none of ES256, RS256, PS256, Ed25519", alg))
		}
	}
	return errors.Join(errs...)
}

// checkIssuer wants https, or http on loopback (RFC 8414 §2).
func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(issuer, "?#") || strings.HasSuffix(issuer, "/") {
		return errors.New("issuer: an https address as the server names itself, without a slash at the end")
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return errors.New("issuer: https, or http on loopback")
	}
	return nil
}
