package verify

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// vectors are values that another program made; the JavaScript verifier reads the same.
type vectors struct {
	Issuer, Audience, Key, Stream string
	JWKS                          json.RawMessage
	Names                         []struct {
		Kind          string
		Parts         []string
		Encoded, Name string
	}
	Chain     []struct{ Seq, Name, Cut, Until, H string }
	Snapshots []struct {
		About string
		Good  bool
		Body  []byte
	}
	Heads []struct{ About, Verdict, Head string }
	End   struct {
		Cursor  string
		Entries int
	}
	Decisions []struct {
		About, Kid string
		Claims     json.RawMessage
		Dead       bool
	}
}

func readVectors(t *testing.T) (v vectors, keys *keyring) {
	t.Helper()
	data, err := os.ReadFile("../testdata/vectors/revocation.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	keys = &keyring{life: t.Context()}
	if err := keys.take(v.JWKS, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	return v, keys
}

func targetOf(t *testing.T, kind string, parts []string) revocation.Target {
	t.Helper()
	switch kind {
	case "jti":
		return revocation.ForJTI(parts[0])
	case "sid":
		return revocation.ForSID(parts[0])
	case "gid":
		return revocation.ForGID(parts[0])
	case "kid":
		return revocation.ForKID(parts[0])
	case "sub":
		return revocation.ForSub(parts[0])
	case "client":
		return revocation.ForClient(parts[0])
	case "consent":
		return revocation.ForConsent(parts[0], parts[1])
	case "aud":
		return revocation.ForAud(parts[0])
	case "all":
		return revocation.ForAll()
	}
	t.Fatal(kind)
	return revocation.Target{}
}

func TestNamesAndChainAgreeWithTheVectors(t *testing.T) {
	v, _ := readVectors(t)
	key, err := base64.RawURLEncoding.DecodeString(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Names {
		target := targetOf(t, c.Kind, c.Parts)
		if got := hex.EncodeToString(target.Append(nil)); got != c.Encoded {
			t.Errorf("%v encodes to %s, want %s", target, got, c.Encoded)
		}
		if got := revocation.FeedKey(key).Name(target); strconv.FormatUint(got, 10) != c.Name {
			t.Errorf("%v is named %d, want %s", target, got, c.Name)
		}
	}
	var chain revocation.Chain
	for _, c := range v.Chain {
		var e wireEntry
		if err := json.Unmarshal([]byte(`["`+c.Seq+`","`+c.Name+`",`+c.Cut+`,`+c.Until+`]`), &e); err != nil {
			t.Fatal(err)
		}
		chain = chain.Next(e.Entry)
		if got := base64.RawURLEncoding.EncodeToString(chain[:]); got != c.H {
			t.Errorf("after %s the chain is %s, want %s", c.Seq, got, c.H)
		}
	}
}

func TestSnapshotsAgreeWithTheVectors(t *testing.T) {
	v, keys := readVectors(t)
	for _, c := range v.Snapshots {
		_, err := readSnapshot(t.Context(), bytes.NewReader(c.Body), v.Issuer, keys)
		if (err == nil) != c.Good {
			t.Errorf("%s: %v", c.About, err)
		}
	}
}

func TestHeadsAgreeWithTheVectors(t *testing.T) {
	v, keys := readVectors(t)
	for _, c := range v.Heads {
		start, err := readSnapshot(t.Context(), bytes.NewReader(v.Snapshots[0].Body), v.Issuer, keys)
		if err != nil {
			t.Fatal(err)
		}
		h, err := readHead(t.Context(), c.Head, v.Issuer, keys)
		if err == nil {
			err = start.attest(h)
		}
		verdict := "good"
		switch {
		case err != nil:
			verdict = "fault"
		case h.unknown:
			verdict = "stale"
		}
		if verdict != c.Verdict {
			t.Errorf("%s: %s, want %s (%v)", c.About, verdict, c.Verdict, err)
		}
	}
}

func TestDecisionsAgreeWithTheVectors(t *testing.T) {
	v, keys := readVectors(t)
	copied, err := readSnapshot(t.Context(), bytes.NewReader(v.Snapshots[0].Body), v.Issuer, keys)
	if err != nil {
		t.Fatal(err)
	}
	in := newEvents(strings.NewReader(v.Stream))
	for e, err := in.next(); err == nil; e, err = in.next() {
		switch e.name {
		case "rv":
			var b batch
			if err := errors.Join(json.Unmarshal([]byte(e.data), &b), copied.apply(&b, copied.lc)); err != nil {
				t.Fatal(err)
			}
		case "hb":
			h, err := readHead(t.Context(), e.data, v.Issuer, keys)
			if err := errors.Join(err, copied.attest(h)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if copied.cursor() != v.End.Cursor || copied.table.Len() != v.End.Entries || copied.attested != copied.seq {
		t.Fatalf("the copy ends at %s with %d entries", copied.cursor(), copied.table.Len())
	}
	for _, c := range v.Decisions {
		claims := Claims{kid: c.Kid}
		if err := readClaims(&claims, c.Claims, v.Issuer, v.Audience); err != nil {
			t.Errorf("%s: %v", c.About, err)
		}
		if dead := copied.table.Dead(claims.rvs, claims.names(nil, copied.key)); dead != c.Dead {
			t.Errorf("%s: dead is %v", c.About, dead)
		}
	}
}
