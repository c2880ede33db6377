package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
)

// idempotencyKey is the header by which a request is done once, however often it
// comes (draft-ietf-httpapi-idempotency-key-header).
const idempotencyKey = "Idempotency-Key"

// The length of a key: shorter ones are counters and dates, which two scripts choose
// alike.
const (
	shortestKey = 16
	longestKey  = 128
)

// repeatable are the acts that make something, so that to do them twice would be
// another thing: each of them answers through made.
func repeatable(pattern string) bool {
	switch pattern {
	case "POST clients", "POST clients/{id}/rotate-secret", "POST registration-tokens", "POST admin-tokens", "POST resources",
		"POST upstreams", "POST users", "POST users/{sub}/password":
		return true
	}
	return false
}

// onceOnly is an act that refuses a key which it would not keep to.
func onceOnly(pattern string, do act) act {
	return func(ctx context.Context, r *http.Request) (any, error) {
		if len(r.Header.Values(idempotencyKey)) > 0 && !repeatable(pattern) {
			return nil, refusedKey("is for what makes something: clients, resources, upstreams, users, tokens, secrets and passwords")
		}
		return do(ctx, r)
	}
}

func refusedKey(message string) *admin.Problem {
	return &admin.Problem{
		Type: admin.ProblemInvalid, Title: "The request is refused", Status: http.StatusBadRequest,
		Errors: []admin.FieldError{{Field: idempotencyKey, Message: message}},
	}
}

// repeated is what was answered before.
type repeated json.RawMessage

// made renders what an act has made, or what the same request made before. in is all
// that was understood of the body.
func made[Row, T any](
	ctx context.Context, a *administration, r *http.Request, in any, act maker[Row, T],
) (any, error) {
	key, err := keyOf(r)
	if err != nil {
		return nil, err
	}
	if key == "" || r.URL.Query().Has(dryRun) {
		return shown(act.render)(act.do(ctx))
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	row, earlier, err := engine.Once(ctx, a.Engine, engine.OnceKey{Chosen: key, Request: r.Method + " " + r.URL.EscapedPath() + "\n" + string(body)},
		func(row Row) ([]byte, error) { return json.Marshal(act.render(row)) }, act.do)
	if earlier != nil {
		return repeated(earlier), nil
	}
	return shown(act.render)(row, err)
}

// maker is an act that makes something, and how that looks on the wire.
type maker[Row, T any] struct {
	render func(Row) T
	do     func(context.Context) (Row, error)
}

// keyOf is the key of a request, "" if it has none. It is a string of the draft, in
// quotes, or bare as others have it.
func keyOf(r *http.Request) (string, error) {
	fields := r.Header.Values(idempotencyKey)
	if len(fields) == 0 {
		return "", nil
	}
	key := fields[0]
	if bare, quoted := strings.CutPrefix(key, `"`); quoted {
		key = strings.TrimSuffix(bare, `"`)
	}
	strange := strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' })
	if len(fields) > 1 || strange || len(key) < shortestKey || len(key) > longestKey {
		return "", refusedKey("is one word of 16 to 128 visible characters, as a random UUID is")
	}
	return key, nil
}
