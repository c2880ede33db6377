package guard

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// headerScope is how a proxy says which scopes a request needs, where it cannot
// say so in the query. It adds to what is required: a client that sends it only
// asks more of itself.
const headerScope = "X-Mintmark-Require-Scope"

// methodHeaders are how proxies say which method they ask about: nginx as our
// documentation has it, and Traefik by itself.
var methodHeaders = [...]string{"X-Original-Method", "X-Forwarded-Method"}

// question is what a proxy asks.
type question struct {
	about     *http.Request // the method and headers of the request
	scope     []string      // that it needs
	anyStatus bool          // the proxy passes every status on
}

// asked reads the question. An error is the operator's mistake.
func asked(r *http.Request) (question, error) {
	q := question{about: r, anyStatus: strings.HasPrefix(r.URL.Path, pathEnvoy)}
	for _, value := range r.Header.Values(headerScope) {
		q.scope = append(q.scope, strings.Fields(value)...)
	}
	if q.anyStatus { // method and query are the client's own
		return q, nil
	}
	method, err := methodOf(r.Header)
	if err != nil {
		return q, err
	}
	q.about = r.WithContext(r.Context())
	q.about.Method = method
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, errors.New("the query cannot be read")
	}
	for name, values := range query {
		if name != "scope" {
			// A misspelt requirement would otherwise be none.
			return q, fmt.Errorf("the query has %q: it may only have scope", name)
		}
		for _, value := range values {
			scope := strings.Fields(value)
			if len(scope) == 0 {
				return q, errors.New("scope in the query is empty")
			}
			q.scope = append(q.scope, scope...)
		}
	}
	return q, nil
}

// methodOf is the method that a proxy asks about. A client may have sent one of
// the headers itself, beside the proxy's own: where they differ, the request
// counts as one that changes something.
func methodOf(h http.Header) (string, error) {
	method := ""
	for _, name := range methodHeaders {
		for _, value := range h[name] {
			if method != "" && method != value {
				return http.MethodPost, nil
			}
			method = value
		}
	}
	if method == "" {
		return "", errors.New("no header says the method of the request: set X-Original-Method, or X-Forwarded-Method")
	}
	return method, nil
}

// methodName is the method if it is one of HTTP's own.
func methodName(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}
