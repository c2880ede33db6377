package admin

import (
	"context"
	"iter"
	"net/http"
	"strconv"
	"time"
)

// Revocation is something to end.
type Revocation struct {
	// Kind is "user", "session", "grant", "consent", "client", "token", "key",
	// "audience" or "all".
	Kind string `json:"kind"`
	// IDs name it: a sub, sid, gid, client_id, kid or audience; for a token the token
	// itself or its jti; for a consent a sub and a client_id; for all nothing.
	IDs    []string `json:"ids,omitempty"`
	Reason string   `json:"reason"`            // for the log and the audit trail
	DryRun bool     `json:"dry_run,omitempty"` // only say what would end
	// KeepSignIns ends only the live access tokens of a user: sessions and grants go
	// on, and applications get new tokens, which say what is true now.
	KeepSignIns bool `json:"keep_sign_ins,omitempty"`
}

// RevocationResult is what came of a revocation.
type RevocationResult struct {
	// Already: it had ended before, and nothing was written.
	Already bool `json:"already"`
	// Again: it had been cut before, and was cut once more, for what was minted since.
	Again bool `json:"again,omitempty"`
	// DryRun: nothing was written; Sessions and Grants live and would end, the grants
	// are of Clients, and More says that there are more than were counted.
	DryRun   bool     `json:"dry_run"`
	Sessions int      `json:"sessions"`
	Grants   int      `json:"grants"`
	Clients  []string `json:"clients,omitempty"`
	More     bool     `json:"more"`
	Receipt  *Receipt `json:"receipt,omitempty"` // if one was waited for
}

// Receipt is how far the verifiers have applied a revocation.
type Receipt struct {
	Seq       int64  `json:"seq"`
	Complete  bool   `json:"complete"` // all that are connected have
	Applied   int    `json:"applied"`
	Connected int    `json:"connected"`
	Millis    int64  `json:"ms"`
	Sentence  string `json:"sentence"`
}

// Verifier is one that follows the revocation feed, as it reports of itself.
type Verifier struct {
	Name           string    `json:"name"`
	ClientID       string    `json:"client_id"`
	Version        string    `json:"version"`
	Node           string    `json:"node"`   // the server that it reported to
	Policy         string    `json:"policy"` // "strict", "balanced" or "available"
	State          string    `json:"state"`  // "init", "live", "stale" or "expired"
	Connected      bool      `json:"connected"`
	Seq            int64     `json:"seq"` // applied
	Lag            int64     `json:"lag"` // numbers of the log it has not applied; -1: it follows another log
	Entries        int64     `json:"entries"`
	ConnectedSince time.Time `json:"connected_since"`
	SeenAt         time.Time `json:"seen_at"`
}

// Revoke ends what is named, and waits at most so long for the receipt; zero asks
// for none. Once it returns without an error, it has ended, whoever confirmed it.
func (c *Client) Revoke(ctx context.Context, revocation Revocation, wait time.Duration) (RevocationResult, error) {
	path := "revocations"
	if wait > 0 {
		path += "?wait_ms=" + strconv.FormatInt(wait.Milliseconds(), 10)
	}
	return call[RevocationResult](ctx, c, http.MethodPost, path, revocation)
}

// Verifiers lists those that reported within the last hour.
func (c *Client) Verifiers(ctx context.Context) iter.Seq2[Verifier, error] {
	return list[Verifier](ctx, c, "verifiers", nil)
}
