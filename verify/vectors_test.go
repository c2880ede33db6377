package verify

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// vectors are values that another program made (testdata/vectors/revocation.py);
// the JavaScript verifier reads the same. docs/reference/revocation-feed.md says
// what they mean.
type vectors struct {
	Issuer, Audience, Log, Key, Stream string
	Now, Base                          int64
	JWKS                               json.RawMessage
	Names                              []struct {
		Kind          string
		Parts         []string
		Encoded, Name string
	}
	Chain []struct {
		vectorEntry
		H string
	}
	Records []struct {
		vectorEntry
		About, Record string
	}
	Snapshots []struct {
		About, Verdict string
		Body           []byte
	}
	Heads   []struct{ About, Verdict, Head string }
	Batches []struct{ About, Verdict, Data string }
	Events  []struct {
		About, Text string
		Events      []struct{ Event, Data string }
	}
	End struct {
		Cursor, H string
		LC        int64
		Entries   int
	}
	Table     []vectorEntry
	Decisions []struct {
		About, Verdict, Kid string
		Claims              json.RawMessage
	}
	States []struct {
		vectorAge
		State string
	}
	Expiry []struct {
		vectorAge
		Exp, Leeway int64
		Expired     bool
	}
	Story []vectorStep
}

type vectorEntry struct {
	Seq   int64
	Name  string
	Cut   any // a number, "forever", or nil: not there
	Until int64
}

// entry has no cut if the name is not there.
func (e *vectorEntry) entry(t *testing.T) (entry revocation.Entry, there bool) {
	t.Helper()
	entry = revocation.Entry{Seq: e.Seq, Name: nameOf(t, e.Name), Until: e.Until}
	switch cut := e.Cut.(type) {
	case float64:
		entry.Cut = int64(cut)
	case string:
		entry.Cut = revocation.Forever
	default:
		return entry, false
	}
	return entry, true
}

func nameOf(t *testing.T, text string) uint64 {
	t.Helper()
	name, err := wireName(json.RawMessage(`"` + text + `"`))
	if err != nil {
		t.Fatal(err)
	}
	return name
}

type vectorAge struct {
	About     string
	SinceHead int64 `json:"since_head"`
	Clock, T  int64
	Unfit     bool
}

// at gives a view whose head arrived so long ago, and what our clock shows.
func (a *vectorAge) at() (*view, time.Time) {
	now := time.UnixMilli(a.Clock)
	return &view{at: now.Add(-time.Duration(a.SinceHead) * time.Millisecond), t: a.T, stale: a.Unfit}, now
}

type vectorStep struct {
	About    string
	At       int64
	Snapshot []byte
	RV, HB   *string
	State    string
	Cursor   string
	Attested *int64
	Dead     []string
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	data, err := os.ReadFile("../testdata/vectors/revocation.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// RoundTrip serves the key set, for keys that are looked up anew.
func (v *vectors) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(v.JWKS)), Request: r}, nil
}

// withVectors runs a test at the time of the vectors.
func withVectors(t *testing.T, test func(*testing.T, *vectors, *keyring)) {
	synctest.Test(t, func(t *testing.T) {
		v := readVectors(t)
		time.Sleep(time.Until(time.UnixMilli(v.Now)))
		keys := &keyring{life: t.Context(), path: pathHeadKeys, remote: &remote{issuer: v.Issuer, client: &http.Client{Transport: &v}}}
		if err := keys.take(v.JWKS, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		test(t, &v, keys)
	})
}

// start is a copy after the first snapshot.
func (v *vectors) start(t *testing.T, keys *keyring) *tail {
	t.Helper()
	copied, err := readSnapshot(t.Context(), bytes.NewReader(v.Snapshots[0].Body), v.Issuer, keys)
	if err != nil {
		t.Fatal(err)
	}
	return copied
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

func TestNamesChainAndRecordsAgreeWithTheVectors(t *testing.T) {
	v := readVectors(t)
	key, err := base64.RawURLEncoding.DecodeString(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Names {
		target := targetOf(t, c.Kind, c.Parts)
		if got := hex.EncodeToString(target.Append(nil)); got != c.Encoded {
			t.Errorf("%v encodes to %s, want %s", target, got, c.Encoded)
		}
		if got := revocation.FeedKey(key).Name(target); got != nameOf(t, c.Name) {
			t.Errorf("%v is named %016x, want %s", target, got, c.Name)
		}
	}
	var chain revocation.Chain
	for _, c := range v.Chain {
		e, _ := c.entry(t)
		chain = chain.Next(e)
		if got := base64.RawURLEncoding.EncodeToString(chain[:]); got != c.H {
			t.Errorf("after %d the chain is %s, want %s", c.Seq, got, c.H)
		}
	}
	for _, c := range v.Records {
		want, _ := c.entry(t)
		raw, err := hex.DecodeString(c.Record)
		if err != nil {
			t.Fatal(err)
		}
		if got := revocation.ReadRecord(raw, v.Base); got != want {
			t.Errorf("%s: %+v, want %+v", c.About, got, want)
		}
	}
}

func TestSnapshotsAgreeWithTheVectors(t *testing.T) {
	withVectors(t, func(t *testing.T, v *vectors, keys *keyring) {
		for _, c := range v.Snapshots {
			_, err := readSnapshot(t.Context(), bytes.NewReader(c.Body), v.Issuer, keys)
			if (err == nil) != (c.Verdict == "good") {
				t.Errorf("%s: %v", c.About, err)
			}
		}
	})
}

func TestHeadsAgreeWithTheVectors(t *testing.T) {
	withVectors(t, func(t *testing.T, v *vectors, keys *keyring) {
		for _, c := range v.Heads {
			h, err := readHead(t.Context(), c.Head, v.Issuer, keys)
			if err == nil {
				err = v.start(t, keys).attest(h)
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
	})
}

// readBatch applies what an rv event carries.
func readBatch(copied *tail, data string, now int64) error {
	b, err := parseBatch([]byte(data))
	if err != nil {
		return err
	}
	return copied.apply(&b, now)
}

func TestBatchesAgreeWithTheVectors(t *testing.T) {
	withVectors(t, func(t *testing.T, v *vectors, keys *keyring) {
		for _, c := range v.Batches {
			err := readBatch(v.start(t, keys), c.Data, v.Now)
			if (err == nil) != (c.Verdict == "good") || err != nil && !errors.Is(err, errFault) {
				t.Errorf("%s: %v", c.About, err)
			}
		}
	})
}

func TestEventsAgreeWithTheVectors(t *testing.T) {
	for _, c := range readVectors(t).Events {
		in := newEvents(strings.NewReader(c.Text))
		var got, want []event
		for e, err := in.next(); err == nil; e, err = in.next() {
			got = append(got, e)
		}
		for _, e := range c.Events {
			want = append(want, event{e.Event, e.Data})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", c.About, got, want)
		}
	}
}

// follow applies the whole stream of the vectors.
func (v *vectors) follow(t *testing.T, keys *keyring) *tail {
	t.Helper()
	copied := v.start(t, keys)
	in := newEvents(strings.NewReader(v.Stream))
	for e, err := in.next(); err == nil; e, err = in.next() {
		switch e.name {
		case "rv":
			if err := readBatch(copied, e.data, v.Now); err != nil {
				t.Fatal(err)
			}
		case "hb":
			h, err := readHead(t.Context(), e.data, v.Issuer, keys)
			if err := errors.Join(err, copied.attest(h)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return copied
}

func TestTheTableAgreesWithTheVectors(t *testing.T) {
	withVectors(t, func(t *testing.T, v *vectors, keys *keyring) {
		copied := v.follow(t, keys)
		if copied.cursor() != v.End.Cursor || base64.RawURLEncoding.EncodeToString(copied.h[:]) != v.End.H ||
			copied.lc != v.End.LC || copied.table.Len() != v.End.Entries || copied.attested != copied.seq {
			t.Fatalf("the copy ends at %s with %d entries", copied.cursor(), copied.table.Len())
		}
		for _, c := range v.Table {
			e, there := c.entry(t)
			dead := func(rvs int64) bool { return copied.table.Dead(rvs, []uint64{e.Name}) }
			forever := e.Cut == revocation.Forever
			if dead(0) != there || there && !forever && (!dead(e.Cut-1) || dead(e.Cut)) || dead(maxNumber) != forever {
				t.Errorf("%s is not cut at %v", c.Name, c.Cut)
			}
		}
	})
}

func TestDecisionsAgreeWithTheVectors(t *testing.T) {
	withVectors(t, func(t *testing.T, v *vectors, keys *keyring) {
		copied := v.follow(t, keys)
		reader, at := &Verifier{}, &view{names: copied.key.Namer()}
		for _, c := range v.Decisions {
			claims, verdict := Claims{kid: c.Kid}, "alive"
			if err := readClaims(&claims, string(c.Claims), v.Issuer, v.Audience); err != nil {
				verdict = "refused"
			} else if copied.table.Dead(claims.rvs, reader.names(nil, &claims, at)) {
				verdict = "dead"
			}
			if verdict != c.Verdict {
				t.Errorf("%s: %s, want %s", c.About, verdict, c.Verdict)
			}
		}
	})
}

func TestStatesAndExpiryAgreeWithTheVectors(t *testing.T) {
	v, verifier := readVectors(t), &Verifier{liveFor: liveFor}
	for _, c := range v.States {
		if got := verifier.state(c.at()).String(); got != c.State {
			t.Errorf("%s: %s, want %s", c.About, got, c.State)
		}
	}
	for _, c := range v.Expiry {
		w, now := c.at()
		if got := w.over(&remembered{ends: (c.Exp + c.Leeway) * 1000}, now); got != c.Expired {
			t.Errorf("%s: %v, want %v", c.About, got, c.Expired)
		}
	}
}

func TestTheStoryEndsAsTheVectorsSay(t *testing.T) {
	withVectors(t, func(t *testing.T, v *vectors, keys *keyring) {
		verifier := &Verifier{
			issuer: v.Issuer, liveFor: liveFor, life: t.Context(), settings: settings{log: slog.New(slog.DiscardHandler)},
			ready: make(chan struct{}), moved: make(chan struct{}, 1), receipts: make(chan receipt, 1),
		}
		verifier.headKeys.life, verifier.headKeys.remote, verifier.headKeys.path = t.Context(), keys.remote, pathHeadKeys
		if err := verifier.headKeys.take(v.JWKS, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		f := &follower{v: verifier}
		for _, s := range v.Story {
			time.Sleep(time.Until(time.UnixMilli(v.Now + s.At)))
			if err := s.play(t.Context(), f); err != nil {
				f.fail(err)
			}
			if got, want := s.seen(t, f), s.said(); got != want {
				t.Errorf("%s:\nseen %s\nwant %s", s.About, got, want)
			}
		}
	})
}

func (s *vectorStep) play(ctx context.Context, f *follower) error {
	switch {
	case s.Snapshot != nil:
		next, err := readSnapshot(ctx, bytes.NewReader(s.Snapshot), f.v.issuer, &f.v.headKeys)
		if err != nil {
			return err
		}
		return f.take(next)
	case s.RV != nil:
		return f.event(ctx, event{"rv", *s.RV})
	case s.HB != nil:
		return f.event(ctx, event{"hb", *s.HB})
	}
	return nil
}

func (s *vectorStep) said() string {
	attested := "none"
	if s.Attested != nil {
		attested = fmt.Sprint(*s.Attested)
	}
	slices.Sort(s.Dead)
	return fmt.Sprint(s.State, s.Cursor, attested, s.Dead)
}

// seen is where the verifier stands. Of the names that the story has, it lists
// those that are dead.
func (s *vectorStep) seen(t *testing.T, f *follower) string {
	t.Helper()
	w, attested, dead := f.v.view.Load(), "none", []string{}
	if last := f.v.last.Load(); last != nil {
		attested = fmt.Sprint(last.seq)
	}
	for _, step := range readVectors(t).Story {
		for _, name := range step.Dead {
			if w != nil && !slices.Contains(dead, name) && w.table.Dead(0, []uint64{nameOf(t, name)}) {
				dead = append(dead, name)
			}
		}
	}
	slices.Sort(dead)
	return fmt.Sprint(f.v.state(w, time.Now()), f.tail.cursor(), attested, dead)
}
