package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/inspect"
	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

// hop is one request, as the visitor sees it.
type hop struct {
	From, To string
	Line     string // method and address, secrets left out
	Says     string // what it is for, in a sentence
	Status   int    // 0: a browser made it, and the answer came on its way
}

// reply is an answer of the server, refusals among them.
type reply struct {
	status    int
	body      []byte
	object    jose.Object
	reference string // of a refusal, for mintmark explain
}

// failure is how a refusal reads: "invalid_grant", or the status.
func (r *reply) failure() string {
	if code, err := r.object.String("error"); err == nil {
		return code
	}
	return fmt.Sprintf("status %d", r.status)
}

func (r *reply) description() string {
	text, _ := r.object.String("error_description") // optional
	return text
}

// ask sends a form to one of the server's endpoints, as this client.
func (a *App) ask(ctx context.Context, endpoint string, form url.Values) (*reply, error) {
	return a.askPreferring(ctx, "", endpoint, form)
}

// askPreferring is ask with a preference (RFC 7240).
func (a *App) askPreferring(ctx context.Context, preference, endpoint string, form url.Values) (*reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	if preference != "" {
		r.Header.Set("Prefer", preference)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// RFC 6749 §2.3.1: both are form-encoded before they are put together.
	r.SetBasicAuth(url.QueryEscape(a.config.ClientID), url.QueryEscape(a.config.ClientSecret))
	return a.send(r)
}

// send sends a request and reads an answer in JSON, if there is one.
func (a *App) send(r *http.Request) (*reply, error) {
	answer, err := a.provider.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := readAnswer(answer.Body)
	if err != nil {
		return nil, err
	}
	got := &reply{status: answer.StatusCode, body: body, reference: answer.Header.Get("Error-Reference")}
	if len(body) > 0 {
		if got.object, err = jose.DecodeObject(body); err != nil {
			return nil, fmt.Errorf("reading an answer of status %d: %w", answer.StatusCode, err)
		}
	}
	return got, nil
}

// tokensOf reads the answer of the token endpoint (RFC 6749 §5.1). What is not in
// it stays as it was: a refresh may leave out the refresh token and the scope.
func tokensOf(got *reply, before tokens) (tokens, error) {
	kind, err := got.object.String("token_type")
	if err != nil || !strings.EqualFold(kind, "Bearer") { // RFC 6749 §7.1
		return before, fmt.Errorf("the token_type is not Bearer")
	}
	after := before
	if after.Access, err = got.object.String("access_token"); err != nil {
		return before, fmt.Errorf("reading access_token: %w", err)
	}
	for name, to := range map[string]*string{"id_token": &after.ID, "refresh_token": &after.Refresh, "scope": &after.Scope} {
		if text, err := got.object.String(name); err == nil {
			*to = text
		}
	}
	after.At = time.Now()
	return after, nil
}

// introspection is what the server says of a token, RFC 7662.
type introspection struct {
	Active bool
	Hop    hop
	Facts  []inspect.Member
}

// introspect asks the server what a token is worth now.
func (a *App) introspect(ctx context.Context, token string) (*introspection, error) {
	metadata, err := a.provider.discover(ctx)
	if err != nil {
		return nil, err
	}
	got, err := a.ask(ctx, metadata.IntrospectionEndpoint, url.Values{"token": {token}})
	if err != nil {
		return nil, fmt.Errorf("introspecting: %w", err)
	}
	active, err := got.object.Bool("active")
	if err != nil || got.status != http.StatusOK {
		return nil, fmt.Errorf("introspecting: %s", got.failure())
	}
	return &introspection{Active: active, Facts: inspect.Claims(got.object, time.Now()), Hop: hop{
		From: "The app", To: "Mintmark", Line: "POST " + oauth.PathIntrospect, Status: got.status,
		Says: "The token in a form, the client's secret in the Authorization header: the server looks at everything the token hangs from.",
	}}, nil
}

// callResult is one call of the API.
type callResult struct {
	Choice string
	Hop    hop
	Checks checks
	Took   string // the API's check
	Said   string // the answer, as JSON
	Bearer string // the header WWW-Authenticate of a refusal
}

// request is a call of the API with a token, or none.
func (a *App) request(ctx context.Context, method, token string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, a.config.API+"/orders", nil)
	if err == nil && token != "" {
		r.Header.Set("Authorization", "Bearer "+token) // RFC 6750 §2.1
	}
	return r, err
}

// callAPI calls the API and reads all that it says.
func (a *App) callAPI(ctx context.Context, method, token string) (*callResult, error) {
	r, err := a.request(ctx, method, token)
	if err != nil {
		return nil, err
	}
	answer, err := a.provider.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("calling the API: %w", err)
	}
	defer answer.Body.Close()
	body, err := readAnswer(answer.Body)
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	if len(body) > 0 {
		if err := json.Indent(&said, body, "", "  "); err != nil {
			return nil, fmt.Errorf("reading the API's answer: %w", err)
		}
	}
	outcome, took := readVerdict(answer.Header)
	return &callResult{
		Checks: account(outcome, token, time.Now()), Took: brief(took), Said: said.String(), Bearer: answer.Header.Get("WWW-Authenticate"),
		Hop: hop{From: "The app", To: "The API", Line: method + " /orders", Status: answer.StatusCode},
	}, nil
}
