package web

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/admin"
)

// office is the administration of a world, and its document as it is served.
type office struct {
	t        *testing.T
	world    *world
	handler  http.Handler
	document map[string]any
}

func newOffice(t *testing.T) *office {
	t.Helper()
	w := newSite(t, "http://localhost:8484")
	o := &office{t: t, world: w, handler: Admin(AdminConfig{Engine: w.engine, Feed: w.feed, Log: slog.New(slog.DiscardHandler), Version: "1", Listen: []string{"127.0.0.1:8484"}})}
	_, text := o.ask(http.MethodGet, "openapi.json", "")
	if err := json.Unmarshal([]byte(text), &o.document); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) ask(method, path, body string) (status int, text string) {
	o.t.Helper()
	r := httptest.NewRequest(method, admin.Root+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, r)
	answered, err := io.ReadAll(w.Result().Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return w.Code, string(answered)
}

// at walks into the document.
func (o *office) at(keys ...string) map[string]any {
	o.t.Helper()
	inside := o.document
	for _, key := range keys {
		next, ok := inside[key].(map[string]any)
		if !ok {
			o.t.Fatalf("the document has no %q of %q", key, keys)
		}
		inside = next
	}
	return inside
}

func TestEveryActIsInTheDocumentAndNothingElse(t *testing.T) {
	o := newOffice(t)
	acts, known, ids := (&administration{}).acts(), shapes(), map[any]bool{}
	for pattern := range known {
		if _, there := acts[pattern]; !there {
			t.Errorf("%s has a shape and is no act", pattern)
		}
	}
	for pattern, act := range acts {
		if _, there := known[pattern]; !there {
			t.Errorf("%s has no shape", pattern)
		}
		method, path, _ := strings.Cut(pattern, " ")
		operation := o.at("paths", admin.Root+path, strings.ToLower(method))
		if ids[operation["operationId"]] || operation["summary"] != act.about {
			t.Errorf("%s is %v", pattern, operation)
		}
		ids[operation["operationId"]] = true
	}
	whole, err := json.Marshal(o.document)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range regexp.MustCompile(`"#/components/schemas/(\w+)"`).FindAllStringSubmatch(string(whole), -1) {
		o.at("components", "schemas", ref[1])
	}
	if o.document["openapi"] != "3.1.0" {
		t.Errorf("it is %v", o.document["openapi"])
	}
}

// What an act takes is what the document says, by name: of those no field is
// unknown, and another one is.
func TestWhatTheDocumentSaysIsTakenIsTaken(t *testing.T) {
	o := newOffice(t)
	for pattern, is := range shapes() {
		if is.in == nil {
			continue
		}
		method, path, _ := strings.Cut(pattern, " ")
		path = pathParameter.ReplaceAllString(path, "nobody")
		body := map[string]any{}
		for name := range o.fields(o.at("paths", admin.Root+strings.SplitN(pattern, " ", 2)[1], strings.ToLower(method), "requestBody", "content", "application/json", "schema")) {
			body[name] = nil
		}
		whole, err := json.Marshal(body)
		if err != nil || len(body) == 0 {
			t.Fatal(pattern, err)
		}
		if status, text := o.ask(method, path, string(whole)); strings.Contains(text, "is not known") {
			t.Errorf("%s: %d %s", pattern, status, text)
		}
		if status, text := o.ask(method, path, `{"zzz":1}`); status != http.StatusBadRequest || !strings.Contains(text, `"field":"zzz","message":"is not known"`) {
			t.Errorf("%s with an unknown field: %d %s", pattern, status, text)
		}
	}
}

func (o *office) fields(schema map[string]any) map[string]any {
	o.t.Helper()
	if ref, ok := schema["$ref"].(string); ok {
		schema = o.at("components", "schemas", strings.TrimPrefix(ref, "#/components/schemas/"))
	}
	properties, _ := schema["properties"].(map[string]any)
	return properties
}

// What is answered fits what the document says, item for item.
func TestWhatIsAnsweredFitsTheDocument(t *testing.T) {
	o := newOffice(t)
	made := map[string]string{}
	for _, c := range []struct{ method, path, body, operation string }{
		{"GET", "status", "", "status"},
		{"GET", "keys", "", "keys"},
		{"POST", "resources", `{"audience":"https://api.example","scopes":["read"]}`, "resources"},
		{"GET", "resources", "", "resources"},
		{"POST", "clients", `{"client_id":"app","name":"App","grant_types":["client_credentials"],"scope":"read"}`, "clients"},
		{"PUT", "clients/app", `{"name":"The app","grant_types":["client_credentials"],"version":1}`, "clients/{id}"},
		{"GET", "clients", "", "clients"},
		{"POST", "clients/app/rotate-secret", `{"keep_seconds":60}`, "clients/{id}/rotate-secret"},
		{"POST", "clients/app/disable", "", "clients/{id}/disable"},
		{"POST", "users", `{"email":"ana@example.com","address":{"locality":"X"}}`, "users"},
		{"GET", "users", "", "users"},
		{"POST", "revocations", `{"kind":"client","ids":["app"],"reason":"a test"}`, "revocations"},
		{"GET", "verifiers", "", "verifiers"},
		{"GET", "audit", "", "audit"},
		{"GET", "sessions", "", "sessions"},
		{"POST", "keys/rotate", `{}`, "keys/rotate"},
		{"GET", "clients/nobody", "", "clients/{id}"},
		{"POST", "clients", `{"name":""}`, "clients"},
	} {
		status, text := o.ask(c.method, c.path, c.body)
		made[c.path] = text
		response := "default"
		kind := admin.ProblemType
		if status < 300 {
			response, kind = fmt.Sprint(status), "application/json"
		}
		schema := o.at("paths", admin.Root+c.operation, strings.ToLower(c.method), "responses", response, "content", kind, "schema")
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		o.fits(c.method+" "+c.path, value, schema)
	}
	if !strings.Contains(made["audit"], "client_created") {
		t.Errorf("nothing was looked at: %s", made["audit"])
	}
}

// fits compares a value with a schema, as far as schemas are used here.
func (o *office) fits(where string, value any, schema map[string]any) {
	o.t.Helper()
	if ref, ok := schema["$ref"].(string); ok {
		schema = o.at("components", "schemas", strings.TrimPrefix(ref, "#/components/schemas/"))
	}
	kinds := map[any]bool{"string": false, "boolean": false, "integer": false, "array": false, "object": false, nil: true}
	switch v := value.(type) {
	case string:
		kinds["string"] = true
	case bool:
		kinds["boolean"] = true
	case float64:
		kinds["integer"] = v == float64(int64(v))
	case []any:
		kinds["array"] = true
		items, _ := schema["items"].(map[string]any)
		for _, item := range v {
			o.fits(where+"[]", item, items)
		}
	case map[string]any:
		kinds["object"] = true
		properties, _ := schema["properties"].(map[string]any)
		for name, inside := range v {
			of, known := properties[name].(map[string]any)
			if !known && properties != nil {
				o.t.Errorf("%s: %s is not in the document", where, name)
				continue
			}
			o.fits(where+"."+name, inside, of)
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if text, _ := name.(string); v[text] == nil {
				o.t.Errorf("%s: %s is required and absent", where, name)
			}
		}
	}
	if !kinds[schema["type"]] {
		o.t.Errorf("%s is %T, and the document says %v", where, value, schema["type"])
	}
}
