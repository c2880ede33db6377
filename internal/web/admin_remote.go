package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// remoteAdministration is the administration API for a network: it lets in whoever
// shows an admin token, as far as the token's scopes go. It knows no cookie and
// shares nothing with scripts of other origins, so that no page in a browser can use
// what a browser has (ASVS 3.5.1).
type remoteAdministration struct {
	inside *administration
	proxies
}

// RemoteAdmin makes the handler of the administration API for a network.
func RemoteAdmin(c AdminConfig) http.Handler {
	return &remoteAdministration{inside: newAdministration(c, "remote administration"), proxies: c.TrustedProxies}
}

type bearer struct{}

// remoteBearer is an administrator who showed a token.
type remoteBearer struct{ name, network string }

func bearerOf(ctx context.Context) (remoteBearer, bool) {
	who, remote := ctx.Value(bearer{}).(remoteBearer)
	return who, remote
}

// ServeHTTP says nothing, not even what there is, to whoever shows no token.
func (a *remoteAdministration) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["X-Content-Type-Options"] = noSniff
	h["Referrer-Policy"] = noReferrer
	h["Content-Security-Policy"] = noContent
	if r.TLS != nil {
		h["Strict-Transport-Security"] = oneYear
	}
	who := remoteBearer{network: a.sourceOf(r).network}
	granted, refused := a.admit(r, who.network)
	who.name = granted.Name
	var needed string
	if refused == nil {
		needed, refused = a.needed(r, granted.Scopes)
	}
	if refused != nil {
		a.refuse(w, r, refused, who, needed)
		return
	}
	r = r.WithContext(engine.As(context.WithValue(r.Context(), bearer{}, who), who.name))
	a.inside.ServeHTTP(w, r)
}

// admit looks at the token that is shown, behind the gate of what comes after: also
// to look is work.
func (a *remoteAdministration) admit(r *http.Request, network string) (record.AdminToken, *oauth.Error) {
	token, refused := shownToken(r)
	if refused != nil {
		return record.AdminToken{}, refused
	}
	if !a.inside.gate.enter() {
		return record.AdminToken{}, oauth.Refuse(oauth.ReasonOverloaded)
	}
	defer a.inside.gate.exit()
	return a.inside.Engine.AdmitAdmin(r.Context(), token, network)
}

// needed is the scope that a request needs, with the refusal if it is not among
// those that there are. What is no act needs none: the inside says that it is none.
func (a *remoteAdministration) needed(r *http.Request, scopes []string) (string, *oauth.Error) {
	_, pattern := a.inside.mux.Handler(r)
	needed := a.inside.scopes[pattern]
	if needed == anyScope || slices.Contains(scopes, needed) {
		return needed, nil
	}
	return needed, oauth.Refuse(oauth.ReasonTokenScopeInsufficient)
}

// refuse answers with a problem, and the challenge of RFC 6750 §3.
func (a *remoteAdministration) refuse(w http.ResponseWriter, r *http.Request, err *oauth.Error, who remoteBearer, needed string) {
	h := w.Header()
	problem := &admin.Problem{Type: admin.ProblemUnavailable, Title: err.Description, Status: err.Status()}
	var scopes oauth.Scopes
	switch problem.Status {
	case http.StatusBadRequest:
		problem.Type = admin.ProblemInvalid
	case http.StatusUnauthorized:
		problem.Type = admin.ProblemToken
	case http.StatusForbidden:
		problem.Type = admin.ProblemScope
		if needed == socketOnly {
			problem.Detail = "This is done at the server's own socket alone"
			break
		}
		problem.Detail = "It needs the scope " + needed
		scopes = oauth.NewScopes(needed)
	case http.StatusTooManyRequests:
		problem.Type = admin.ProblemTooMany
	}
	if problem.Status < http.StatusInternalServerError && problem.Status != http.StatusTooManyRequests {
		h.Set("WWW-Authenticate", err.BearerChallenge(a.inside.Engine.Issuer().String(), scopes))
	}
	if err.RetryAfter > 0 {
		h.Set("Retry-After", retryAfter(err))
	}
	reference := a.inside.Engine.Reference(err)
	h.Set("Error-Reference", reference)
	if r.ContentLength != 0 {
		h.Set("Connection", "close") // or the rest of the body would be read before the answer
	}
	a.inside.Metrics.Refused(string(err.Reason))
	log := a.inside.Log.With("method", methodName(r.Method), "status", problem.Status, "reason", string(err.Reason),
		"token", who.name, "network", who.network, "error_reference", reference)
	if err.Err != nil {
		log.ErrorContext(r.Context(), "administration", "error", err.Err)
	} else {
		log.InfoContext(r.Context(), "administration")
	}
	sendProblem(w, problem)
}
