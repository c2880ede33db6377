package web

import (
	"context"
	"net/http"
	"regexp"
	"strings"

	"github.com/mintmark-id/mintmark/admin"
)

// shape is what goes into an act and what comes out: values of package admin, nil
// where there is nothing.
type shape struct {
	in, out any
	list    bool     // out is one item of a page
	query   []string // parameters beside after, dry_run and those of the path
}

// shapes are those of all acts. A test compares them with what is answered.
func shapes() map[string]shape {
	return map[string]shape{
		"GET status":           {out: admin.Status{}},
		"GET openapi.json":     {out: map[string]any{}},
		"GET references/{ref}": {out: admin.Explanation{}},
		"GET audit":            {out: admin.AuditEvent{}, list: true},
		"GET keys":             {out: admin.Key{}, list: true},
		"POST keys/rotate":     {in: admin.KeyRotation{}, out: admin.Key{}, list: true},
		"POST test/clock":      {in: admin.ClockAdvance{}, out: admin.Clock{}},
		"POST revocations":     {in: admin.Revocation{}, out: admin.RevocationResult{}, query: []string{"wait_ms"}},
		"GET verifiers":        {out: admin.Verifier{}, list: true},

		"GET clients":                     {out: admin.RegisteredClient{}, list: true},
		"POST clients":                    {in: admin.NewClient{}, out: admin.RegisteredClient{}},
		"GET clients/{id}":                {out: admin.RegisteredClient{}},
		"PUT clients/{id}":                {in: admin.ClientUpdate{}, out: admin.RegisteredClient{}},
		"DELETE clients/{id}":             {},
		"POST clients/{id}/rotate-secret": {in: admin.Rotation{}, out: admin.RegisteredClient{}},
		"POST clients/{id}/disable":       {out: admin.RegisteredClient{}},
		"POST clients/{id}/enable":        {out: admin.RegisteredClient{}},

		"GET registration-tokens":         {out: admin.RegistrationToken{}, list: true},
		"POST registration-tokens":        {in: admin.NewRegistrationToken{}, out: admin.RegistrationToken{}},
		"DELETE registration-tokens/{id}": {},

		"GET admin-tokens":           {out: admin.AdminToken{}, list: true},
		"POST admin-tokens":          {in: admin.NewAdminToken{}, out: admin.AdminToken{}},
		"DELETE admin-tokens/{name}": {},

		"GET resources":          {out: admin.Resource{}, list: true},
		"POST resources":         {in: admin.NewResource{}, out: admin.Resource{}},
		"GET resources/{aud}":    {out: admin.Resource{}},
		"PUT resources/{aud}":    {in: admin.ResourceUpdate{}, out: admin.Resource{}},
		"DELETE resources/{aud}": {},

		"GET upstreams":         {out: admin.Upstream{}, list: true},
		"POST upstreams":        {in: admin.NewUpstream{}, out: admin.Upstream{}},
		"GET upstreams/{id}":    {out: admin.Upstream{}},
		"PUT upstreams/{id}":    {in: admin.UpstreamUpdate{}, out: admin.Upstream{}},
		"DELETE upstreams/{id}": {},

		"GET users":                     {out: admin.User{}, list: true, query: []string{"email"}},
		"POST users":                    {in: admin.NewUser{}, out: admin.User{}},
		"GET users/{sub}":               {out: admin.User{}},
		"PUT users/{sub}":               {in: admin.UserUpdate{}, out: admin.User{}},
		"DELETE users/{sub}":            {},
		"POST users/{sub}/password":     {in: admin.NewPassword{}, out: admin.User{}},
		"DELETE users/{sub}/links/{id}": {},
		"POST users/{sub}/disable":      {out: admin.User{}},
		"POST users/{sub}/enable":       {out: admin.User{}},

		"GET sessions":          {out: admin.Session{}, list: true, query: []string{"user"}},
		"GET sessions/{sid}":    {out: admin.SessionReceipt{}},
		"DELETE sessions/{sid}": {},
		"GET grants":            {out: admin.Grant{}, list: true, query: []string{"client", "user"}},
		"DELETE grants/{gid}":   {},
	}
}

// openAPI gives the document of the API (OpenAPI 3.1), made from the table of acts
// and the types that they take and give.
func (a *administration) openAPI(context.Context, *http.Request) (any, error) {
	s := schemas{}
	paths := map[string]map[string]any{}
	all := shapes()
	for pattern, act := range a.acts() {
		method, path, _ := strings.Cut(pattern, " ")
		path = admin.Root + path
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		operation := s.operation(pattern, act.about, all[pattern])
		operation["security"] = securityOf(act.scope)
		paths[path][strings.ToLower(method)] = operation
	}
	s.add(admin.Problem{})
	return map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": "Mintmark administration", "version": a.Version,
			"description": "JSON over HTTP: on the administration socket, where nobody shows a token, and on the administration listener (admin_listen) " +
				"for whoever shows an admin token with the scope that is named beside each operation. Refusals are problem+json (RFC 9457).",
		},
		"paths": paths,
		"components": map[string]any{
			"schemas": map[string]any(s),
			"securitySchemes": map[string]any{adminToken: map[string]any{
				"type": "http", "scheme": "bearer", "description": "An admin token, as mintmark admin-token create makes it. At the socket there is none.",
			}},
		},
	}, nil
}

const adminToken = "admin_token"

// securityOf says who may: whoever is at the socket, and unless an act is for them
// alone whoever shows a token with its scope.
func securityOf(scope string) []any {
	atSocket := map[string]any{}
	switch scope {
	case socketOnly:
		return []any{atSocket}
	case anyScope:
		return []any{atSocket, map[string]any{adminToken: []any{}}}
	}
	return []any{atSocket, map[string]any{adminToken: []any{scope}}}
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

func (s schemas) operation(pattern, about string, is shape) map[string]any {
	method, path, _ := strings.Cut(pattern, " ")
	words := pathParameter.ReplaceAllString(path, "$1")
	o := map[string]any{
		"operationId": strings.ToLower(method) + "_" + strings.NewReplacer("/", "_", "-", "_", ".", "_").Replace(words),
		"summary":     about,
		"responses":   s.responses(is),
	}
	if parameters := parametersOf(pattern, path, is); len(parameters) > 0 {
		o["parameters"] = parameters
	}
	if is.in != nil {
		o["requestBody"] = map[string]any{"required": true, "content": s.content("application/json", s.add(is.in))}
	}
	return o
}

func parametersOf(pattern, path string, is shape) []any {
	var all []any
	add := func(name, in string, required bool, schema map[string]any) {
		all = append(all, map[string]any{"name": name, "in": in, "required": required, "schema": schema})
	}
	text := func() map[string]any { return map[string]any{"type": "string"} }
	for _, found := range pathParameter.FindAllStringSubmatch(path, -1) {
		add(found[1], "path", true, text())
	}
	if is.list && strings.HasPrefix(pattern, http.MethodGet) {
		add("after", "query", false, text())
	}
	for _, name := range is.query {
		add(name, "query", false, text())
	}
	if repeatable(pattern) {
		add(idempotencyKey, "header", false, map[string]any{"type": "string", "minLength": shortestKey, "maxLength": longestKey})
	}
	if conditional(pattern) {
		add("If-Match", "header", false, text())
	}
	if triable(pattern) {
		add(dryRun, "query", false, map[string]any{"type": "string", "enum": []any{"true"}})
	}
	return all
}

// responses are the good answer, and the refusals that every act has.
func (s schemas) responses(is shape) map[string]any {
	good := map[string]any{"description": "Done."}
	status := "200"
	switch {
	case is.out == nil:
		status = "204"
	case is.list:
		good["content"] = s.content("application/json", map[string]any{
			"type": "object", "required": []any{"items"},
			"properties": map[string]any{
				"items": map[string]any{"type": "array", "items": s.add(is.out)},
				"next":  map[string]any{"type": "string", "description": "The parameter after of the next page; absent on the last one."},
			},
		})
	default:
		good["content"] = s.content("application/json", s.add(is.out))
	}
	if entityTag(is.out) != "" && !is.list {
		good["headers"] = map[string]any{"ETag": map[string]any{
			"description": "The version that an update names in If-Match; absent after a dry run.", "schema": map[string]any{"type": "string"},
		}}
	}
	refused := map[string]any{"description": "Refused, or trouble of the server; nothing was changed.", "content": s.content(admin.ProblemType, s.add(admin.Problem{}))}
	return map[string]any{status: good, "default": refused}
}

func (s schemas) content(kind string, schema map[string]any) map[string]any {
	return map[string]any{kind: map[string]any{"schema": schema}}
}
