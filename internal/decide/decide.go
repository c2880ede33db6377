// Package decide is what Mintmark is: every operation on a credential as a pure
// function of the request, the state read from the database, and the time and
// randomness of the attempt. A decision does no I/O. It returns the changes to
// commit, the answer with the tokens to sign, and the error, if any; "refuse
// and write" (a replayed code is refused and its grant ends) is an ordinary
// outcome.
//
// Package engine loads the state, signs, and commits the changes; nobody else
// may build or commit an Outcome.
package decide

import (
	"crypto/x509"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// Env is what an attempt gets from the world: one clock read, one draw.
type Env struct {
	Now      int64 // Unix milliseconds
	Seed     secret.Seed
	Policy   *Policy
	Pairwise secret.PairwiseKey // of the subjects that are a sector's own
}

// Policy is what the operator configured, with the defaults of the contract.
// Durations are milliseconds.
type Policy struct {
	Issuer          oauth.Issuer
	AccessTTL       int64
	IDTTL           int64
	CodeTTL         int64
	RefreshIdle     int64
	RefreshAbsolute int64
	RetryWindow     int64
	SessionIdle     int64
	SessionAbsolute int64
	InteractionTTL  int64
	LongestTTL      int64 // no token lives longer, whatever a client or resource says
	Leeway          int64 // clock skew that verifiers allow
	Passwords       secret.PasswordPolicy
	Registration    RegistrationPolicy
	Mutual          MutualTLS
	SignUp          bool // anybody may make an account, with an address that nobody has seen to be theirs
}

// MutualTLS is what there is of certificates of clients.
type MutualTLS struct {
	On          bool           // connections may show one
	Origin      string         // where they do, beside the issuer's own; "": there
	Authorities *x509.CertPool // that vouch for clients of tls_client_auth; nil: there are none
}

// DefaultPolicy returns the contract's defaults for an issuer.
func DefaultPolicy(issuer oauth.Issuer) *Policy {
	const second, minute, hour = 1000, 60 * 1000, 3600 * 1000
	const day = 24 * hour
	passwords, _ := secret.PasswordPolicyNamed("default")
	return &Policy{
		Issuer:          issuer,
		AccessTTL:       15 * minute,
		IDTTL:           hour,
		CodeTTL:         60 * second,
		RefreshIdle:     30 * day,
		RefreshAbsolute: 90 * day,
		RetryWindow:     30 * second,
		SessionIdle:     12 * hour,
		SessionAbsolute: 30 * day,
		InteractionTTL:  15 * minute,
		LongestTTL:      day,
		Leeway:          30 * second,
		Passwords:       passwords,
		Registration:    RegistrationPolicy{Mode: RegistrationOff, PerNetwork: 60, Keep: 7 * day},
	}
}

// Outcome is what a decision comes to. Changes are committed whether or not Err
// is set; Answer counts only without Err.
type Outcome[A any] struct {
	Changes []record.Change
	Answer  A
	Err     *oauth.Error
}

// refuse is an outcome that changes nothing.
func refuse[A any](err *oauth.Error) Outcome[A] {
	return Outcome[A]{Err: err}
}
