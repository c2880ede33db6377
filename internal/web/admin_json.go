package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sort"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
)

// maxAdminBody bounds the body of a request.
const maxAdminBody = 64 << 10

const notOneObject = "The body is not one JSON object of the right form"

// adminPage is one part of a list.
type adminPage[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// pageOf renders a part of a list.
func pageOf[Row, T any](rows []Row, next string, render func(Row) T) adminPage[T] {
	items := make([]T, len(rows))
	for i, row := range rows {
		items[i] = render(row)
	}
	return adminPage[T]{Items: items, Next: next}
}

// pageRows is how many rows a page has of a list that is held in memory, as of those
// in the database.
const pageRows = 200

// pageAfter is the part of a whole list after a cursor; the list is in the order of
// its cursors.
func pageAfter[Row any](rows []Row, after string, cursor func(Row) string) (page []Row, next string) {
	from := sort.Search(len(rows), func(i int) bool { return cursor(rows[i]) > after })
	page = rows[from:]
	if len(page) > pageRows {
		page = page[:pageRows]
		next = cursor(page[pageRows-1])
	}
	return page, next
}

// shown renders an answer that is one thing.
func shown[Row, T any](render func(Row) T) func(Row, error) (any, error) {
	return func(row Row, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		return render(row), nil
	}
}

// with makes an act of one that takes a body.
func with[In any](do func(ctx context.Context, r *http.Request, in *In) (any, error)) act {
	return func(ctx context.Context, r *http.Request) (any, error) {
		in := new(In)
		if problem := readJSON(r, in); problem != nil {
			return nil, problem
		}
		return do(ctx, r, in)
	}
}

// readJSON reads one JSON object with known fields and nothing after it.
func readJSON(r *http.Request, into any) *admin.Problem {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return badBody(http.StatusUnsupportedMediaType, "The body is application/json")
	}
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxAdminBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, after := decoder.Token(); errors.Is(after, io.EOF) {
			return nil
		}
		return badBody(http.StatusBadRequest, notOneObject)
	}
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return badBody(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body has at most %d bytes", maxAdminBody))
	}
	problem := badBody(http.StatusBadRequest, notOneObject)
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		problem.Errors = []admin.FieldError{{Field: strings.Trim(name, `"`), Message: "is not known"}}
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		problem.Errors = []admin.FieldError{{Field: wrong.Field, Message: "is not a " + wrong.Value + ", but a " + wrong.Type.String()}}
	}
	return problem
}

func badBody(status int, title string) *admin.Problem {
	return &admin.Problem{Type: admin.ProblemInvalid, Title: title, Status: status}
}

// answer does an act, logs it, and sends what came of it.
func (a *administration) answer(w http.ResponseWriter, r *http.Request, do act) {
	start := time.Now()
	answer, err := do(r.Context(), r)
	status, problem := http.StatusOK, (*admin.Problem)(nil)
	switch {
	case err != nil:
		problem = problemFor(err)
		status = problem.Status
	case answer == nil:
		status = http.StatusNoContent
	}
	log := a.Log.With("method", r.Method, "route", r.Pattern, "status", status, "duration", time.Since(start))
	if who, remote := bearerOf(r.Context()); remote {
		log = log.With("token", who.name, "network", who.network)
	}
	if cause := causeOf(err); cause != nil {
		log.ErrorContext(r.Context(), "administration", "error", cause)
	} else {
		log.InfoContext(r.Context(), "administration")
	}
	switch {
	case problem != nil:
		sendProblem(w, problem)
	case answer == nil:
		w.Header()["Cache-Control"] = noStore
		w.WriteHeader(status)
	default:
		if kept, ok := answer.(preferred); ok {
			w.Header().Set("Preference-Applied", applied(kept.wait))
			answer = kept.answer
		}
		if tag := entityTag(answer); tag != "" && !r.URL.Query().Has(dryRun) {
			w.Header().Set("ETag", tag)
		}
		if earlier, again := answer.(repeated); again {
			w.Header().Set("Idempotency-Replayed", "true")
			answer = json.RawMessage(earlier)
		}
		sendAdmin(w, status, "application/json", answer)
	}
}

// causeOf is what only the log is told: why it was trouble of ours.
func causeOf(err error) error {
	if refusal, ok := errors.AsType[*engine.Refusal](err); ok {
		return refusal.Err
	}
	return nil
}

// problemFor is what a refusal looks like on the wire.
func problemFor(err error) *admin.Problem {
	if problem, ok := errors.AsType[*admin.Problem](err); ok {
		return problem
	}
	refusal, ok := errors.AsType[*engine.Refusal](err)
	if !ok {
		refusal = &engine.Refusal{Kind: engine.Unavailable, Err: err}
	}
	switch refusal.Kind {
	case engine.Invalid:
		problem := &admin.Problem{Type: admin.ProblemInvalid, Title: "The request is refused", Status: http.StatusBadRequest}
		for _, field := range refusal.Fields {
			problem.Errors = append(problem.Errors, admin.FieldError{Field: field.Field, Message: field.Message})
		}
		return problem
	case engine.NotFound:
		return &admin.Problem{Type: admin.ProblemNotFound, Title: "There is no such thing", Status: http.StatusNotFound}
	case engine.Reused:
		return &admin.Problem{
			Type: admin.ProblemReused, Title: "The Idempotency-Key was used for another request", Status: http.StatusUnprocessableEntity,
			Detail: "Nothing was changed; choose another key for another request",
		}
	case engine.Unexpected:
		return &admin.Problem{
			Type: admin.ProblemPrecondition, Title: "It is not of the version that If-Match names", Status: http.StatusPreconditionFailed, // RFC 9110 §15.5.13
			Detail: "Nothing was changed; read it again",
		}
	case engine.Conflict:
		return &admin.Problem{
			Type: admin.ProblemConflict, Title: "It was changed since it was read", Status: http.StatusConflict,
			Detail: "Nothing was changed; read it again",
		}
	default:
		return &admin.Problem{
			Type: admin.ProblemUnavailable, Title: "The server cannot do it at the moment", Status: http.StatusServiceUnavailable,
			Detail: "Nothing was changed; the server's log says why",
		}
	}
}

func sendProblem(w http.ResponseWriter, problem *admin.Problem) {
	if problem.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	sendAdmin(w, problem.Status, admin.ProblemType, problem)
}

// sendAdmin sends a value that nobody may keep: it may hold a secret.
func sendAdmin(w http.ResponseWriter, status int, kind string, value any) {
	body, err := json.Marshal(value)
	if err != nil { // our own types encode
		status, kind, body = http.StatusInternalServerError, "text/plain", []byte("encoding the answer failed")
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that has gone is no fault of ours
}

// query is a query parameter of a list.
func query(r *http.Request, name string) string { return r.URL.Query().Get(name) }

// moment is a row's time on the wire; zero stays zero and is left out.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
