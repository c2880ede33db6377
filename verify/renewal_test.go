package verify

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// A stream ends with the token it was opened with: the verifier opens the next before that.
func TestTheVerifiersOwnTokenIsRenewedBeforeItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		i := newIssuer(t)
		v := i.verifier(t, WithLogger(slog.New(slog.NewTextHandler(&said, nil))))
		time.Sleep(time.Second)
		for n := range 360 { // an hour
			time.Sleep(10 * time.Second)
			if n%60 == 0 {
				i.revoke(revocation.ForJTI("j1"))
				synctest.Wait()
			}
			if got := v.Status(); got.State != Live || got.Problem != "" || got.Seq != i.seq {
				t.Fatalf("after %d s: %+v", 10*n, got)
			}
		}
		if i.count(pathToken) != 7 || i.count(pathStream) != 7 || i.count(pathSnapshot) != 1 {
			t.Errorf("an hour took %d tokens, %d streams and %d snapshots", i.count(pathToken), i.count(pathStream), i.count(pathSnapshot))
		}
		if strings.Contains(said.String(), "level=WARN") {
			t.Errorf("the log says %s", said.String())
		}
	})
}

// While no fresh token can be had, the stream goes on with the old one until its end.
func TestATokenServesOnWhileNoOtherCanBeHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t)
		time.Sleep(time.Minute)
		i.set(func(i *issuer) { i.mute = true })
		time.Sleep(feedTTL - 2*time.Minute)
		if got := v.Status(); got.State != Live || i.count(pathStream) != 1 || i.count(pathToken) < 10 {
			t.Errorf("%+v after %d streams and %d tokens asked for", got, i.count(pathStream), i.count(pathToken))
		}
		i.set(func(i *issuer) { i.mute = false })
		time.Sleep(10 * time.Second)
		if got := v.Status(); got.State != Live || i.count(pathStream) != 2 {
			t.Errorf("a fresh one can be had: %+v after %d streams", got, i.count(pathStream))
		}
	})
}

func TestAVerifierWhoseClientIsDisabledSaysSoAndFollowsItsPolicy(t *testing.T) {
	for policy, want := range map[Policy][2]string{
		Strict: {"unavailable", "unavailable"}, Balanced: {"", "unavailable"}, Available: {"", ""}, // stale, expired
	} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var said bytes.Buffer
				i := newIssuer(t)
				v := i.verifier(t, WithPolicy(policy), WithLogger(slog.New(slog.NewTextHandler(&said, nil))))
				token := i.token(nil)
				if got := reason(v, token); got != "" {
					t.Fatal(got)
				}
				i.set(func(i *issuer) { i.off = true })
				time.Sleep(14 * time.Second)
				if got := v.Status(); got.State != Stale || !strings.Contains(got.Problem, `refuses the client "orders"`) || !strings.Contains(got.Problem, "401 invalid_client") {
					t.Errorf("%+v", got)
				}
				if got := reason(v, token); got != want[0] {
					t.Errorf("stale: %q", got)
				}
				time.Sleep(time.Minute)
				if got := reason(v, token); got != want[1] || v.Status().State != Expired {
					t.Errorf("%v: %q", v.Status().State, got)
				}
				if n := strings.Count(said.String(), "refuses the client"); n != 1 {
					t.Errorf("%d lines of the log say it:\n%s", n, said.String())
				}
				i.set(func(i *issuer) { i.off = false })
				time.Sleep(10 * time.Second)
				if got := v.Status(); got.State != Live || got.Problem != "" || reason(v, token) != "" {
					t.Errorf("enabled again: %+v", got)
				}
			})
		})
	}
}

const feedTTL = 15 * time.Minute

func (i *issuer) mint(w io.Writer) {
	token := fmt.Sprintf("feed-%d", len(i.tokens))
	i.tokens[token] = time.Now().Add(feedTTL)
	_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":%d}`, token, int(feedTTL.Seconds()))
}

// refuses says whether a client, or a token for the feed, is no good any more.
func (i *issuer) refuses(r *http.Request) bool {
	switch r.URL.Path {
	case pathKeys, pathHeadKeys:
		return false
	case pathToken, pathIntrospect:
		return i.off
	default:
		return i.off || !time.Now().Before(i.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")])
	}
}
