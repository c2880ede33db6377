package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/store"
)

// RefusalKind says what sort of refusal an administrator gets.
type RefusalKind string

// The kinds of refusal. Nothing was changed in any of them.
const (
	Invalid     RefusalKind = "invalid"     // Fields say what is wrong, all of it
	NotFound    RefusalKind = "not_found"   // there is no such thing
	Conflict    RefusalKind = "conflict"    // it was changed since it was read
	Unexpected  RefusalKind = "unexpected"  // it has none of the versions that were expected
	Reused      RefusalKind = "reused"      // the key to do it once was for another request
	Unavailable RefusalKind = "unavailable" // trouble of ours
)

// FieldProblem is one thing that is wrong with what an administrator asks for.
// Field is its name in the admin API.
type FieldProblem struct{ Field, Message string }

// Refusal is why an act of an administrator was not done. It is the error of
// every method that administers.
type Refusal struct {
	Kind   RefusalKind
	Fields []FieldProblem
	Err    error // cause; log only
}

// Error names the kind and the fields.
func (r *Refusal) Error() string {
	text := string(r.Kind)
	for _, field := range r.Fields {
		text += "; " + field.Field + ": " + field.Message
	}
	if r.Err != nil {
		text += ": " + r.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// problems collects all that is wrong, so that it can be said at once.
type problems []FieldProblem

func (p *problems) add(field, format string, args ...any) {
	*p = append(*p, FieldProblem{Field: field, Message: fmt.Sprintf(format, args...)})
}

// refusal is nil where nothing is wrong.
func (p problems) refusal() error {
	if len(p) == 0 {
		return nil
	}
	return &Refusal{Kind: Invalid, Fields: p}
}

func invalid(field, format string, args ...any) error {
	var wrong problems
	wrong.add(field, format, args...)
	return wrong.refusal()
}

type rehearsal struct{}

// Rehearse lets an administrator's creates and updates be tried: all checks are
// made, the answer says what would be there, and nothing is written.
func Rehearse(ctx context.Context) context.Context {
	return context.WithValue(ctx, rehearsal{}, true)
}

func rehearsed(ctx context.Context) bool { return ctx.Value(rehearsal{}) != nil }

type elsewhere struct{}

// As says which admin token an administrator shows who is not at the socket: the
// audit trail names it with everything that they do.
func As(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, elsewhere{}, decide.ActorAdminToken(token))
}

// actorOf is who administers, for the log and the audit trail.
func actorOf(ctx context.Context) string {
	if name, ok := ctx.Value(elsewhere{}).(string); ok {
		return name
	}
	return decide.ActorAdmin
}

// administer runs one act of an administrator: it loads what it needs, validates,
// and returns the changes, which are committed as one plan. What somebody else
// changed meanwhile makes it start again.
func administer[R any](ctx context.Context, e *Engine, act func(env decide.Env) (R, []record.Change, error)) (R, error) {
	var none R
	for range maxAttempts {
		env := e.env()
		answer, changes, err := act(env)
		if err == nil {
			changes, err = kept(ctx, answer, changes, env)
		}
		if err == nil && !rehearsed(ctx) {
			err = e.commit(ctx, changes)
		}
		switch {
		case err == nil:
			return answer, nil
		case !errors.Is(err, store.ErrConflict):
			return none, refusalOf(err)
		}
	}
	return none, &Refusal{Kind: Conflict}
}

// refusalOf makes trouble of what is not a refusal already.
func refusalOf(err error) error {
	if err == nil {
		return nil
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal
	}
	return &Refusal{Kind: Unavailable, Err: err}
}

// found turns a row that is not there into a refusal.
func found[R any](row *R, err error) (*R, error) {
	switch {
	case err != nil:
		return nil, err
	case row == nil:
		return nil, &Refusal{Kind: NotFound}
	}
	return row, nil
}

type expectation struct{}

// Expect has an act on something that has versions done only if it has one of these.
func Expect(ctx context.Context, versions []int64) context.Context {
	return context.WithValue(ctx, expectation{}, versions)
}

// current refuses an act on something that was changed since it was read. One that
// names no version is done whatever is there.
func current(ctx context.Context, named, stored int64) error {
	if expected, conditional := ctx.Value(expectation{}).([]int64); conditional && !slices.Contains(expected, stored) {
		return &Refusal{Kind: Unexpected}
	}
	if named != 0 && named != stored {
		return &Refusal{Kind: Conflict}
	}
	return nil
}

// administered is the audit row of an act that only sets settings; what ends
// something has its row from decide.
func administered(ctx context.Context, row record.Audit, env decide.Env) record.Audit {
	row.Actor, row.At = actorOf(ctx), env.Now
	row.ID = decide.AuditID(env, row.Event)
	return row
}

// actOn runs an act of an administrator on a row that must be there, which needs
// no answer: disabling, deleting, ending. No changes means that it was done before.
func actOn[R any](
	ctx context.Context, e *Engine, load func() (*R, error), decision func(*R, decide.Env) []record.Change,
) error {
	_, err := administer(ctx, e, func(env decide.Env) (struct{}, []record.Change, error) {
		row, err := found(load())
		if err != nil {
			return struct{}{}, nil, err
		}
		return struct{}{}, decision(row, env), nil
	})
	return err
}
