package admin

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Session is a browser's sign-in that was not ended.
type Session struct {
	SID        string    `json:"sid"`
	Sub        string    `json:"sub"`
	Agent      string    `json:"agent,omitempty"`   // the browser, in its own words
	Factors    []string  `json:"factors,omitempty"` // those that were shown, such as "password"
	SignedInAt time.Time `json:"signed_in_at"`
	SeenAt     time.Time `json:"seen_at"`
	// Alive: the browser can start more with it. Until is when that ends if nobody
	// uses it, and Why the reason if it has ended.
	Alive bool      `json:"alive"`
	Why   string    `json:"why,omitempty"`
	Until time.Time `json:"until"`
	// GrantsUntil is how long the grants that hang from it can go on at most.
	GrantsUntil time.Time `json:"grants_until"`
}

// Grant is what one sign-in gave one client, and that was not ended.
type Grant struct {
	GID        string   `json:"gid"`
	Sub        string   `json:"sub"`
	ClientID   string   `json:"client_id"`
	ClientName string   `json:"client_name,omitempty"`
	SID        string   `json:"sid,omitempty"` // empty: it outlives the sign-in
	Scope      string   `json:"scope"`
	Resources  []string `json:"resources,omitempty"`
	// Offline: it goes on when the user signs out of the browser.
	Offline     bool      `json:"offline"`
	CreatedAt   time.Time `json:"created_at"`
	RefreshedAt time.Time `json:"refreshed_at,omitzero"` // zero: never, or not rotated
	Generation  int64     `json:"generation"`
	// Alive: its tokens are accepted until they run out; Why is the reason if not.
	Alive bool   `json:"alive"`
	Why   string `json:"why,omitempty"`
	// Refreshes: the client can get more tokens from it. Until is when that ends if
	// it does not.
	Refreshes bool      `json:"refreshes"`
	Until     time.Time `json:"until"`
}

// SessionReceipt is a session, ended or not, with what became of its clients.
type SessionReceipt struct {
	Session
	EndedAt time.Time       `json:"ended_at,omitzero"` // zero: it has not
	Clients []SessionClient `json:"clients"`
	// More: the session made more grants than were looked at.
	More bool `json:"more,omitempty"`
}

// What a client was told of the end of a session.
const (
	LogoutNone         = "none"         // nothing: the session goes on, or the client names no address
	LogoutWaiting      = "waiting"      // it is about to be told
	LogoutRetrying     = "retrying"     // it did not acknowledge, and is told again
	LogoutAcknowledged = "acknowledged" // it said that the user is signed out there
	LogoutGivenUp      = "given_up"     // it did not acknowledge for a day
	LogoutWithdrawn    = "withdrawn"    // it was removed, or names no address any more
)

// SessionClient is a client that had a token in a session.
type SessionClient struct {
	ClientID   string `json:"client_id"`
	ClientName string `json:"client_name,omitempty"`
	Logout     string `json:"logout"` // one of the Logout constants
	Attempts   int64  `json:"attempts,omitempty"`
	Answer     string `json:"answer,omitempty"` // to the last attempt
	// EndedAt is when it acknowledged, or was given up; NextAttempt when it is told
	// again.
	EndedAt     time.Time `json:"ended_at,omitzero"`
	NextAttempt time.Time `json:"next_attempt_at,omitzero"`
	// AccessUntil is when the last access token of what has ended runs out: until then
	// an API that follows no revocations may take it.
	AccessUntil time.Time `json:"access_tokens_until,omitzero"`
	// Grants are those that it can go on with: those that outlive the session, and all
	// of them while it goes on.
	Grants []Grant `json:"grants,omitempty"`
}

// GrantFilter narrows a list of grants; the zero filter lists all.
type GrantFilter struct {
	User   string // sub
	Client string // client_id
}

// Sessions lists the sessions of a user (sub), or of all users (""), that were not
// ended.
func (c *Client) Sessions(ctx context.Context, sub string) iter.Seq2[Session, error] {
	return list[Session](ctx, c, "sessions", url.Values{"user": {sub}})
}

// ShowSession gives one session, ended or not, and what became of its clients.
func (c *Client) ShowSession(ctx context.Context, sid string) (SessionReceipt, error) {
	return call[SessionReceipt](ctx, c, http.MethodGet, at("sessions", sid), nil)
}

// EndSession ends a session and what hangs from it.
func (c *Client) EndSession(ctx context.Context, sid string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("sessions", sid), nil)
	return err
}

// Grants lists grants that were not ended.
func (c *Client) Grants(ctx context.Context, filter GrantFilter) iter.Seq2[Grant, error] {
	return list[Grant](ctx, c, "grants", url.Values{"user": {filter.User}, "client": {filter.Client}})
}

// EndGrant ends a grant and its tokens.
func (c *Client) EndGrant(ctx context.Context, gid string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("grants", gid), nil)
	return err
}
