package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	_ "github.com/jackc/pgx/v5/stdlib" // to look past the floors' own statements

	"github.com/mintmark-id/mintmark/test/postgresql"
)

func TestMain(m *testing.M) { os.Exit(postgresql.Main(m.Run)) }

// lab is floors with a way past their own statements.
type lab struct {
	*floors
	db *sql.DB
}

func openFloors(t *testing.T) *lab {
	t.Helper()
	f, err := newFloors(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	return &lab{f, f.rows.(sqlite).db}
}

// onBoth runs a test on each database.
func onBoth(t *testing.T, test func(*testing.T, *lab)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, openFloors(t)) })
	t.Run("PostgreSQL", func(t *testing.T) {
		at := postgresql.Schema(t)
		f, err := newFloors("", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.close)
		db, err := sql.Open("pgx", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() }) // it has done its work
		test(t, &lab{f, db})
	})
}

// post sends a form to a floor and returns the status and the answer.
func (f *lab) post(path string, form url.Values) (int, map[string]any) {
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	recorder := httptest.NewRecorder()
	f.routes().ServeHTTP(recorder, request)
	answer := map[string]any{}
	_ = json.Unmarshal(recorder.Body.Bytes(), &answer) // a refusal is text
	return recorder.Code, answer
}

func (f *lab) mustPost(t *testing.T, path string, form url.Values) map[string]any {
	t.Helper()
	status, answer := f.post(path, form)
	if status != http.StatusOK {
		t.Fatalf("%s: status %d", path, status)
	}
	return answer
}

// claims verifies a token with a library that nobody here wrote.
func (f *lab) claims(t *testing.T, token any) map[string]any {
	t.Helper()
	text, _ := token.(string)
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := parsed.Claims(&f.keys.private.PublicKey, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestEverySignedTokenVerifiesElsewhereAndIsUnique(t *testing.T) {
	f := openFloors(t)
	form := url.Values{"grant_type": {"client_credentials"}}
	first := f.claims(t, f.mustPost(t, "/sign", form)["access_token"])
	second := f.claims(t, f.mustPost(t, "/sign", form)["access_token"])
	if first["iss"] != issuer || first["client_id"] != "bench-service" || first["jti"] == second["jti"] {
		t.Errorf("got %v and %v", first, second)
	}
	grant := f.mustPost(t, "/grant", nil)
	if f.claims(t, grant["id_token"])["aud"] != "bench-web" {
		t.Errorf("ID token %v", f.claims(t, grant["id_token"]))
	}
}

func TestTheJSONFloorRepliesOnlyToAForm(t *testing.T) {
	f := openFloors(t)
	if answer := f.mustPost(t, "/json", url.Values{"grant_type": {"x"}}); answer["token_type"] != "Bearer" {
		t.Errorf("got %v", answer)
	}
	if status, _ := f.post("/json", nil); status != http.StatusBadRequest {
		t.Errorf("status %d without a form", status)
	}
}

func TestTheVerifyingFloorsAcceptTheirTokensAndNoOthers(t *testing.T) {
	f := openFloors(t)
	token, _ := f.mustPost(t, "/grant", nil)["access_token"].(string)
	stranger, err := newKeys()
	if err != nil {
		t.Fatal(err)
	}
	stranger.id = f.keys.id
	claims, err := f.keys.verifyAccess(token, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	expired := *claims
	expired.Expires = time.Now().Unix() - 1
	elsewhere := *claims
	elsewhere.Issuer = "https://elsewhere.example"
	resigned := func(k *keys, header string, claims accessClaims) string {
		signed, err := k.sign(header, claims)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	parts := strings.Split(token, ".")
	refused := map[string]string{
		"empty":             "",
		"two parts":         parts[0] + "." + parts[1],
		"one part":          parts[0],
		"another signature": resigned(stranger, f.keys.accessHeader, *claims),
		"ID token":          resigned(f.keys, f.keys.idHeader, *claims),
		"expired":           resigned(f.keys, f.keys.accessHeader, expired),
		"another issuer":    resigned(f.keys, f.keys.accessHeader, elsewhere),
		"changed claims":    parts[0] + "." + parts[1][:len(parts[1])-4] + "AAAA." + parts[2],
		"cut signature":     token[:len(token)-4],
	}
	for _, path := range []string{"/verify", "/verify-read"} {
		answer := f.mustPost(t, path, url.Values{"token": {token}})
		if answer["active"] != true || answer["gid"] != claims.Grant {
			t.Errorf("%s: %v", path, answer)
		}
		for name, bad := range refused {
			if status, answer := f.post(path, url.Values{"token": {bad}}); status != http.StatusBadRequest {
				t.Errorf("%s, %s: %d %v", path, name, status, answer)
			}
		}
	}
}

func TestTheReadOfTheVerifyingFloorDecides(t *testing.T) {
	onBoth(t, func(t *testing.T, f *lab) {
		form := url.Values{"token": {f.mustPost(t, "/grant", nil)["access_token"].(string)}}
		for _, statement := range []string{`UPDATE grants SET status = 'ended'`, `DELETE FROM grants`} {
			if _, err := f.db.Exec(statement); err != nil {
				t.Fatal(err)
			}
			if answer := f.mustPost(t, "/verify-read", form); answer["active"] != false || answer["sub"] != nil {
				t.Errorf("after %s: %v", statement, answer)
			}
			if answer := f.mustPost(t, "/verify", form); answer["active"] != true {
				t.Errorf("without the read, after %s: %v", statement, answer)
			}
		}
	})
}

// generation reads what is stored, past the store's own statements.
func (f *lab) generation(t *testing.T, refreshToken string) int64 {
	t.Helper()
	id, _, _ := strings.Cut(refreshToken, ".")
	var generation int64
	if err := f.db.QueryRow(`SELECT gen FROM grants WHERE id = $1 AND rotated_at > 0`, id).Scan(&generation); err != nil {
		t.Fatal(err)
	}
	return generation
}

func TestARefreshMovesItsOwnGrantByOneAndSignsTwoTokens(t *testing.T) {
	onBoth(t, func(t *testing.T, f *lab) {
		other := f.mustPost(t, "/grant", nil)["refresh_token"].(string)
		grant := f.mustPost(t, "/grant", nil)
		token := grant["refresh_token"].(string)
		for want := int64(1); want <= 3; want++ {
			answer := f.mustPost(t, "/refresh", url.Values{"refresh_token": {token}})
			access, id := f.claims(t, answer["access_token"]), f.claims(t, answer["id_token"])
			if access["gid"] != f.claims(t, grant["access_token"])["gid"] || id["sub"] != access["sub"] || id["aud"] != access["client_id"] {
				t.Errorf("access token %v, ID token %v", access, id)
			}
			token = answer["refresh_token"].(string)
			if got := f.generation(t, token); got != want || token != refreshToken(strings.Split(token, ".")[0], want) {
				t.Errorf("generation %d, token %s, want %d", got, token, want)
			}
		}
		if got := f.generation(t, other); got != 0 {
			t.Errorf("another grant moved to %d", got)
		}
	})
}

func TestARefreshIsRefusedForWhatIsNotItsTurn(t *testing.T) {
	onBoth(t, func(t *testing.T, f *lab) {
		token := f.mustPost(t, "/grant", nil)["refresh_token"].(string)
		f.mustPost(t, "/refresh", url.Values{"refresh_token": {token}})
		for _, bad := range []string{token, "", "x", "unknown.0", token + "x"} {
			if status, _ := f.post("/refresh", url.Values{"refresh_token": {bad}}); status != http.StatusBadRequest {
				t.Errorf("%q: status %d", bad, status)
			}
		}
		if got := f.generation(t, token); got != 1 {
			t.Errorf("generation %d", got)
		}
	})
}

func TestOneOfManyRotationsOfAGrantWinsAndAllOfManyGrants(t *testing.T) {
	onBoth(t, func(t *testing.T, f *lab) {
		const n = 64
		shared, own := f.mustPost(t, "/grant", nil)["refresh_token"].(string), make([]string, n)
		for i := range own {
			own[i] = f.mustPost(t, "/grant", nil)["refresh_token"].(string)
		}
		var won, moved atomic.Int64
		rotate := func(token string, count *atomic.Int64) {
			id, generation, err := parseRefreshToken(token)
			if err == nil {
				err = f.rows.rotate(id, generation, time.Now())
			}
			switch {
			case err == nil:
				count.Add(1)
			case !errors.Is(err, errConflict):
				t.Error(err)
			}
		}
		var running sync.WaitGroup
		for _, token := range own {
			running.Go(func() { rotate(shared, &won) })
			running.Go(func() { rotate(token, &moved) })
		}
		running.Wait()
		if won.Load() != 1 || moved.Load() != n {
			t.Errorf("%d won, %d of %d moved", won.Load(), moved.Load(), n)
		}
		for _, token := range append(own, shared) {
			if got := f.generation(t, token); got != 1 {
				t.Errorf("generation %d", got)
			}
		}
	})
}

func TestTheDatabaseIsAsDurableAsTheTableSays(t *testing.T) {
	f := openFloors(t)
	var journal string
	var synchronous int
	// The committer's own connection, whose settings are the ones that count.
	if err := f.rows.(sqlite).conn.QueryRowContext(t.Context(), `PRAGMA journal_mode`).Scan(&journal); err != nil {
		t.Fatal(err)
	}
	if err := f.rows.(sqlite).conn.QueryRowContext(t.Context(), `PRAGMA synchronous`).Scan(&synchronous); err != nil {
		t.Fatal(err)
	}
	if journal != "wal" || synchronous != 2 {
		t.Errorf("journal_mode %s, synchronous %d; want wal and 2 (FULL)", journal, synchronous)
	}
}

func TestThePasswordFloorAcceptsOnlyThePassword(t *testing.T) {
	f := openFloors(t)
	f.mustPost(t, "/password", url.Values{"password": {"correct horse battery staple"}})
	if status, _ := f.post("/password", url.Values{"password": {"wrong"}}); status != http.StatusBadRequest {
		t.Errorf("status %d", status)
	}
}
