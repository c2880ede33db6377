package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/bench/load"
)

func contains(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// presented parses a rendered request with the standard library, to the last byte, and returns the refresh token in it.
func presented(t *testing.T, raw []byte) string {
	t.Helper()
	reader := bufio.NewReader(bytes.NewReader(raw))
	request, err := http.ReadRequest(reader)
	if err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	if err := request.ParseForm(); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(reader); len(rest) > 0 {
		t.Errorf("%q follows the request", rest)
	}
	form := request.PostForm
	if request.Method != http.MethodPost || request.URL.Path != "/oauth2/token" || request.Host != "host:1" ||
		form.Get("grant_type") != "refresh_token" || form.Get("client_id") != "web" {
		t.Errorf("request %q", raw)
	}
	return form.Get("refresh_token")
}

// rotation is an answer with a refresh token.
func rotation(token string) load.Response {
	return load.Response{Status: 200, Body: fmt.Appendf(nil, `{"access_token":"a","id_token":"i","refresh_token":%q}`, token)}
}

func TestAChainPresentsWhatItGotLast(t *testing.T) {
	c := newChain("host:1", "/oauth2/token", "web", "mrt_first-0.9")
	for _, successor := range []string{"mrt_second", "m", "mrt_a-much-longer-token-than-the-ones-before"} {
		before := string(c.token)
		if got := presented(t, c.next()); got != before {
			t.Errorf("presented %q, want %q", got, before)
		}
		if err := c.check(rotation(successor)); err != nil {
			t.Fatal(err)
		}
	}
	last := string(c.token)
	if err := c.check(rotation(last)); !errors.Is(err, errNotRotated) {
		t.Errorf("got %v for a token that did not rotate", err)
	}
	for _, bad := range []load.Response{
		{Status: 400, Body: rotation("x").Body},
		{Status: 200, Body: []byte(`{"access_token":"a","id_token":"i"}`)},
		{Status: 200, Body: []byte(`{"access_token":"a","refresh_token":"x"}`)},
		{Status: 200, Body: []byte(`{"access_token":"a","id_token":"i","refresh_token":"x`)},
	} {
		if err := c.check(bad); err == nil {
			t.Errorf("accepted %d %s", bad.Status, bad.Body)
		}
	}
	if string(c.token) != last {
		t.Errorf("a refusal changed the token to %q", c.token)
	}
}

// server stands for one that rotates right: the current token gives the next one, its predecessor gives it again.
func TestAnImpatientClientRepeatsItsLastTokenAndNoticesAFork(t *testing.T) {
	generation, presentations := 0, map[string]int{}
	name := func(n int) string { return fmt.Sprintf("mrt_%d", n) }
	script := impatient(newChain("host:1", "/oauth2/token", "web", name(0)))
	for range 35 {
		token := presented(t, script.Next())
		presentations[token]++
		if token == name(generation) {
			generation++
		} else if token != name(generation-1) {
			t.Fatalf("%s presented at generation %d", token, generation)
		}
		if err := script.Check(rotation(name(generation))); err != nil {
			t.Fatal(err)
		}
	}
	if generation != 32 || presentations[name(8)] != 2 || presentations[name(7)] != 1 {
		t.Errorf("generation %d, presentations %v", generation, presentations)
	}

	forked := impatient(newChain("host:1", "/oauth2/token", "web", name(0)))
	for i := range 9 {
		forked.Next()
		if err := forked.Check(rotation(name(i + 1))); err != nil {
			t.Fatal(err)
		}
	}
	forked.Next()
	if err := forked.Check(rotation("mrt_other")); !errors.Is(err, errForked) {
		t.Errorf("got %v", err)
	}
}

func TestAServersFailureIsCountedAndAskedAgain(t *testing.T) {
	m := &mixture{}
	c := newChain("host:1", "/oauth2/token", "web", "mrt_0")
	script := m.tolerate(c.script())
	first := string(script.Next())
	if err := script.Check(load.Response{Status: 503}); err != nil {
		t.Fatal(err)
	}
	if string(script.Next()) != first || m.failures.Load() != 1 {
		t.Errorf("%d failures", m.failures.Load())
	}
	if err := script.Check(load.Response{Status: 400}); err == nil {
		t.Error("a refusal was tolerated")
	}
}

func TestLimitedScriptsEnd(t *testing.T) {
	script := limit(repeat([]byte("x"), ""), 3)
	n := 0
	for script.Next() != nil {
		n++
	}
	if n != 3 || script.Next() != nil {
		t.Errorf("%d requests", n)
	}
}

func TestOnlyTheExpectedAnswerIsCounted(t *testing.T) {
	check := repeat(nil, `"active":true`).Check
	if err := check(load.Response{Status: 200, Body: []byte(`{"active":true,"sub":"x"}`)}); err != nil {
		t.Error(err)
	}
	for _, bad := range []load.Response{{Status: 200, Body: []byte(`{"active":false}`)}, {Status: 401, Body: []byte(`"active":true`)}, {}} {
		if check(bad) == nil {
			t.Errorf("accepted %d %s", bad.Status, bad.Body)
		}
	}
}

func TestLogLinesAreCountedOnceEach(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	text := "ok\ndatabase is locked (5) (SQLITE_BUSY)\nok\nSQLITE_BUSY_SNAPSHOT\ndatabase is locked"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := countInFile(path, "SQLITE_BUSY", "database is locked"); err != nil || n != 3 {
		t.Errorf("got %d, %v", n, err)
	}
}
