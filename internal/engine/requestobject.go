package engine

import (
	"context"
	"errors"
	"strings"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

const (
	maxRequestObject = 16 << 10 // bytes, that of every token
	// requestFetches bounds how many requests wait for objects that clients keep.
	requestFetches = 32
)

// Unfold gives the parameters of an authorization request whose request object, if
// there is one, was opened. Where that fails, the request stays as it stands
// around the object, and the error goes where that says.
func (e *Engine) Unfold(ctx context.Context, form oauth.Form) (oauth.Form, *oauth.Error) {
	object, uri := form.Get("request"), form.Get("request_uri")
	if object == "" && uri == "" || form.Fault() != nil {
		return form, nil //nolint:nilerr // the form remembers its fault
	}
	around := form.Without("request", "request_uri")
	if object != "" && uri != "" {
		return around, oauth.Refuse(oauth.ReasonRequestTwice).With("request_uri") // RFC 9101 §5
	}
	st, err := e.store.ClientState(ctx, form.Get("client_id"), nil)
	switch {
	case err != nil:
		return around, trouble(err)
	case st.Client == nil || !st.Client.Enabled:
		return around, nil // which is refused for that
	}
	param := "request"
	if uri != "" {
		var refused *oauth.Error
		if object, refused = e.fetchRequestObject(ctx, uri, st.Client); refused != nil {
			return around, refused
		}
		param = "request_uri"
	}
	if st.Client.Settings.RequestObjectSigningAlg != decide.AlgNone {
		st.Proof, _ = e.clientKeys.of(ctx, st.Client, named(decide.RequestObjectKID(object)))
		if trouble := st.Proof.Trouble; trouble != nil {
			return around, keysOfRequest(trouble, param)
		}
	}
	inner, refused := decide.OpenRequestObject(object, param, around, &st, e.env())
	if refused != nil {
		return around, refused
	}
	return inner, nil
}

// keysOfRequest is trouble with keys in the words of the authorization endpoint,
// where no client authenticates.
func keysOfRequest(trouble *oauth.Error, param string) *oauth.Error {
	if trouble.Code == oauth.InvalidClient {
		return oauth.Refuse(oauth.ReasonRequestObjectKey).With(param).Because(trouble)
	}
	return trouble
}

// fetchRequestObject fetches what a registered address answers. OpenID Connect
// Core §6.2.2: nothing is kept, so what a client changes there counts at once.
func (e *Engine) fetchRequestObject(ctx context.Context, uri string, client *record.Client) (string, *oauth.Error) {
	if refused := decide.CheckRequestURI(uri, client); refused != nil {
		return "", refused
	}
	select {
	case e.fetching <- struct{}{}:
		defer func() { <-e.fetching }()
	default:
		return "", oauth.Refuse(oauth.ReasonOverloaded)
	}
	answer, err := e.egress.Get(ctx, uri, "application/oauth-authz-req+jwt, application/jwt", maxRequestObject)
	if err == nil {
		return strings.TrimSpace(string(answer.Body)), nil
	}
	detail := oauth.Detail{Client: client.ID}
	if broken, ok := errors.AsType[*egress.Error](err); ok {
		e.log.Warn("a request object cannot be had", "client", client.ID, "rule", string(broken.Rule), "error", err)
	}
	return "", oauth.Refuse(oauth.ReasonRequestURIUnusable).With("request_uri").About(detail).Because(err)
}
