package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const aKey = `"8e03978e-40d5-43dd-bc93-6894a57f9324"`

// creations are one of each, with the field that differs every time it is made anew.
var creations = []struct{ path, body, other, fresh string }{
	{"clients", `{"name":"App","grant_types":["client_credentials"]}`, `{"name":"Other","grant_types":["client_credentials"]}`, "client_secret"},
	{"clients/machine/rotate-secret", `{"keep_seconds":60}`, `{"keep_seconds":61}`, "client_secret"},
	{"resources", `{"audience":"https://new.example"}`, `{"audience":"https://newer.example"}`, ""},
	{"users", `{"email":"bob@example.com"}`, `{"email":"bob@example.com","name":"Bob"}`, "password"},
	{"registration-tokens", `{"name":"One","ttl":60}`, `{"name":"Two","ttl":60}`, "token"},
	{"admin-tokens", `{"name":"deploy","scopes":["keys:read"],"ttl":60}`, `{"name":"deploy","scopes":["keys:read"],"ttl":61}`, "token"},
}

func TestWhatIsMadeWithAKeyIsMadeOnce(t *testing.T) {
	for _, c := range creations {
		t.Run(c.path, func(t *testing.T) {
			o := newOffice(t)
			first := o.send(http.MethodPost, c.path, c.body, "Idempotency-Key", aKey)
			if first.Code != http.StatusOK || first.Header().Get("Idempotency-Replayed") != "" || !strings.Contains(first.Body.String(), c.fresh) {
				t.Fatalf("made: %d %s", first.Code, first.Body)
			}
			// White space and the quotes around the key are no difference.
			again := o.send(http.MethodPost, c.path, " "+c.body+"\n", "Idempotency-Key", strings.Trim(aKey, `"`))
			if again.Code != http.StatusOK || again.Body.String() != first.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" || again.Header().Get("ETag") != first.Header().Get("ETag") {
				t.Errorf("again: %d %v %s, not %s", again.Code, again.Header(), again.Body, first.Body)
			}
			for path, body := range map[string]string{c.path: c.other, "users": `{"email":"eve@example.com"}`} {
				w := o.send(http.MethodPost, path, body, "Idempotency-Key", aKey)
				if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusUnprocessableEntity ||
					got != `{"type":"urn:mintmark:problem:idempotency-key","title":"The Idempotency-Key was used for another request","status":422,"detail":"Nothing was changed; choose another key for another request"}` {
					t.Errorf("another request with the key: %d %s", w.Code, got)
				}
			}
			if _, text := o.ask(http.MethodGet, "users", ""); strings.Contains(text, "eve@") {
				t.Error("the other one was done")
			}
			if _, text := o.ask(http.MethodGet, "audit", ""); strings.Count(text, `"actor":"admin"`) != strings.Count(text, `"event":"client_created"`)+strings.Count(text, `"event":"resource_created"`)+strings.Count(text, `"event":"secret_rotated"`)+strings.Count(text, `"event":"user_created"`)+strings.Count(text, `"event":"initial_token_created"`)+strings.Count(text, `"event":"admin_token_created"`) {
				t.Errorf("the audit trail is %s", text)
			}
		})
	}
}

// Of many at once one is done, whoever comes first.
func TestOfManyAtOnceWithOneKeyOneIsDone(t *testing.T) {
	for _, c := range creations {
		t.Run(c.path, func(t *testing.T) {
			o := newOffice(t)
			answers := make([]*httptest.ResponseRecorder, 8)
			var all sync.WaitGroup
			for i := range answers {
				all.Go(func() { answers[i] = o.send(http.MethodPost, c.path, c.body, "Idempotency-Key", aKey) })
			}
			all.Wait()
			replayed := 0
			for _, w := range answers {
				if w.Code != http.StatusOK || w.Body.String() != answers[0].Body.String() {
					t.Errorf("answers %d %s and %s", w.Code, w.Body, answers[0].Body)
				}
				if w.Header().Get("Idempotency-Replayed") != "" {
					replayed++
				}
			}
			if replayed != len(answers)-1 {
				t.Errorf("%d were replayed", replayed)
			}
		})
	}
}

// A refusal is not kept: the key goes with the request that is mended.
func TestAKeyIsSpentByWhatIsDoneAlone(t *testing.T) {
	o := newOffice(t)
	const bad, good = `{"email":"nobody"}`, `{"email":"bob@example.com"}`
	if w := o.send(http.MethodPost, "users", bad, "Idempotency-Key", aKey); w.Code != http.StatusBadRequest {
		t.Fatalf("bad: %d", w.Code)
	}
	if w := o.send(http.MethodPost, "users?dry_run=true", good, "Idempotency-Key", aKey); w.Code != http.StatusOK {
		t.Fatalf("dry: %d", w.Code)
	}
	if w := o.send(http.MethodPost, "users", good, "Idempotency-Key", aKey); w.Code != http.StatusOK || w.Header().Get("Idempotency-Replayed") != "" {
		t.Fatalf("good: %d %v", w.Code, w.Header())
	}
}

func TestAKeyThatIsNoneOrForNothingIsRefused(t *testing.T) {
	o := newOffice(t)
	const word, what = "is one word of 16 to 128 visible characters, as a random UUID is", "is for what makes something: clients, resources, upstreams, users, tokens, secrets and passwords"
	for _, c := range []struct{ method, path, body, key, message string }{
		{"POST", "users", `{"email":"bob@example.com"}`, `"short"`, word},
		{"POST", "users", `{"email":"bob@example.com"}`, ``, word},
		{"POST", "users", `{"email":"bob@example.com"}`, "two words of some length", word},
		{"POST", "users", `{"email":"bob@example.com"}`, strings.Repeat("k", 129), word},
		{"POST", "keys/rotate", `{}`, aKey, what},
		{"POST", "revocations", `{"kind":"all","reason":"x"}`, aKey, what},
		{"DELETE", "clients/machine", "", aKey, what},
		{"GET", "clients", "", aKey, what},
	} {
		w := o.send(c.method, c.path, c.body, "Idempotency-Key", c.key)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"errors":[{"field":"Idempotency-Key","message":"`+c.message+`"}]`) {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
	if w := o.send(http.MethodPost, "users", `{"email":"bob@example.com"}`, "Idempotency-Key", aKey, "Idempotency-Key", aKey); w.Code != http.StatusBadRequest {
		t.Errorf("two keys: %d", w.Code)
	}
	if _, text := o.ask(http.MethodGet, "users", ""); strings.Contains(text, "bob@") {
		t.Error("it was done")
	}
}

// Another administrator's key is another key: nobody reads what somebody else was
// answered.
func TestAKeyBelongsToWhoChoseIt(t *testing.T) {
	b := newBranch(t)
	const body = `{"name":"App","grant_types":["client_credentials"]}`
	one, two := b.token("clients:write"), b.token("clients:write")
	ask := func(token string) *httptest.ResponseRecorder {
		return b.ask(http.MethodPost, "/admin/v1/clients", body, "Authorization", "Bearer "+token, "Idempotency-Key", aKey)
	}
	first, again, other := ask(one), ask(one), ask(two)
	if first.Code != http.StatusOK || again.Body.String() != first.Body.String() {
		t.Errorf("the first is answered %d %s, then %s", first.Code, first.Body, again.Body)
	}
	if other.Code != http.StatusOK || other.Body.String() == first.Body.String() {
		t.Errorf("another one is answered %d %s", other.Code, other.Body)
	}
}

// The document says which acts take which header, and those do.
func TestTheDocumentNamesTheHeaders(t *testing.T) {
	o := newOffice(t)
	for pattern := range (&administration{}).acts() {
		method, path, _ := strings.Cut(pattern, " ")
		named := map[string]bool{}
		parameters, _ := o.at("paths", "/admin/v1/"+path, strings.ToLower(method))["parameters"].([]any)
		for _, p := range parameters {
			if p := p.(map[string]any); p["in"] == "header" {
				named[p["name"].(string)] = true
			}
		}
		at := pathParameter.ReplaceAllString(path, "nobody")
		for header, value := range map[string]string{"If-Match": `"1"`, "Idempotency-Key": aKey} {
			w := o.send(method, at, "{}", header, value)
			if refused := strings.Contains(w.Body.String(), `"field":"`+header+`"`); refused == named[header] {
				t.Errorf("%s with %s: %d %s, and the document names it: %v", pattern, header, w.Code, w.Body, named[header])
			}
		}
	}
}
