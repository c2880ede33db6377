package admin

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// Key is a signing key, without its private half.
type Key struct {
	KID            string    `json:"kid"`
	Alg            string    `json:"alg"`
	Status         string    `json:"status"` // "next", "active", "retired" or "compromised"
	Use            string    `json:"use"`    // "sig" signs tokens, "feed" the revocation feed
	CreatedAt      time.Time `json:"created_at"`
	SignsFrom      time.Time `json:"signs_from,omitzero"`
	PublishedUntil time.Time `json:"published_until,omitzero"` // zero: while it is next or active
}

// KeyRotation is the body of a rotation of the keys.
type KeyRotation struct {
	Emergency bool `json:"emergency,omitempty"`
}

// Explanation is what a reference code says.
type Explanation struct {
	Reason   string    `json:"reason"`
	Rule     string    `json:"rule,omitempty"`  // the sentence that was broken
	Claim    string    `json:"claim,omitempty"` // the claim or parameter it is about
	At       time.Time `json:"at"`
	ClientID string    `json:"client_id,omitempty"`
	GID      string    `json:"gid,omitempty"`
	KID      string    `json:"kid,omitempty"`
	Expected int64     `json:"expected,omitempty"`
	Seen     int64     `json:"seen,omitempty"`
	Unit     string    `json:"unit,omitempty"` // of Expected and Seen
}

// AuditEvent is a row of the audit trail: who did what to whom.
type AuditEvent struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`    // of the first, where there are several
	Event    string    `json:"event"` // such as "sign_in"
	Actor    string    `json:"actor"` // "user:" and a sub, "client:" and a client_id, "admin" or "server"
	Sub      string    `json:"sub,omitempty"`
	ClientID string    `json:"client_id,omitempty"`
	GID      string    `json:"gid,omitempty"`
	Count    int64     `json:"count"` // how often it happened in its minute
	Detail   string    `json:"detail,omitempty"`
}

// ClockAdvance is the body that moves the clock of a server in test mode.
type ClockAdvance struct {
	Advance string `json:"advance"` // as in time.ParseDuration: 90s, 15m, 720h
}

// Clock is the clock that a server decides by.
type Clock struct {
	Now time.Time `json:"now"`
}

// Status is the state of the server.
type Status struct {
	Version       string    `json:"version"`
	Issuer        string    `json:"issuer"`
	Database      string    `json:"database"`
	Schema        int64     `json:"schema"` // number of the last migration
	StartedAt     time.Time `json:"started_at"`
	UptimeSeconds int64     `json:"uptime_seconds"`
	Listen        []string  `json:"listen"`
}

// Keys lists the signing keys.
func (c *Client) Keys(ctx context.Context) iter.Seq2[Key, error] {
	return list[Key](ctx, c, "keys", nil)
}

// RotateKeys lets the next keys sign, and gives all keys as they are then. In an
// emergency the keys that signed until now are compromised, and every token that
// they signed is dead.
func (c *Client) RotateKeys(ctx context.Context, emergency bool) ([]Key, error) {
	keys, err := call[page[Key]](ctx, c, http.MethodPost, "keys/rotate", KeyRotation{Emergency: emergency})
	return keys.Items, err
}

// Audit lists the audit trail, newest first.
func (c *Client) Audit(ctx context.Context) iter.Seq2[AuditEvent, error] {
	return list[AuditEvent](ctx, c, "audit", nil)
}

// AdvanceClock moves the clock of a server in test mode forward, or by less than
// nothing back again, as far as it was moved, and gives the time that it shows
// then. A server that is not in test mode has no such thing: its answer is a
// *Problem with the status 404.
func (c *Client) AdvanceClock(ctx context.Context, by time.Duration) (time.Time, error) {
	clock, err := call[Clock](ctx, c, http.MethodPost, "test/clock", ClockAdvance{Advance: by.String()})
	return clock.Now, err
}

// Explain opens a reference code: the header Error-Reference of a refusal, or the
// code on an error page.
func (c *Client) Explain(ctx context.Context, reference string) (Explanation, error) {
	return call[Explanation](ctx, c, http.MethodGet, at("references", reference), nil)
}

// Status gives the state of the server.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return call[Status](ctx, c, http.MethodGet, "status", nil)
}
